#include "config/loader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <system_error>

#include "base/file_descriptor.h"
#include "config/checks.h"
#include "config/options.h"
#include "config/suggestion.h"

namespace selvage::config {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;  // of document.cc; read no more of something endless

using Outcome = std::expected<Config, std::vector<Diagnostic>>;

// An array of tables, such as [[site]]: who reads its elements.
struct Nested {
    std::string_view path;
    std::function<void(const Value& element, const Value::Table& table)> read;
};

// The first component of `path` behind `prefix` ("server." → "workers"), or nothing when it lies elsewhere.
std::string_view component_behind(std::string_view prefix, std::string_view path) {
    if (!path.starts_with(prefix)) return {};
    path.remove_prefix(prefix.size());
    return path.substr(0, path.find('.'));
}

// Reads one table of a document into one value by the rows of its option table.
template <typename Owner>
class TableReader {
public:
    TableReader(const std::vector<Option<Owner>>& options, std::vector<Nested> nested, Reading& reading)
        : options_(options), nested_(std::move(nested)), reading_(reading) {}

    // `prefix` is "" or "server.".
    void read(const Value::Table& table, const std::string& prefix, Owner& owner) {
        for (const Entry& entry : table) read_entry(entry, prefix, owner);
    }

    // Options that must be there; `prefix` as above, `at` is where the table begins.
    void check_required(const Value& table, const std::string& prefix) {
        for (const auto& option : options_) {
            const std::string_view key = component_behind(prefix, option.path);
            if (option.presence == Presence::Optional || find(table, key) != nullptr) continue;
            reading_.mistake(table.at, fmt::format("{} is missing; expected a {}", option.path, option.type));
        }
    }

private:
    void read_entry(const Entry& entry, const std::string& prefix, Owner& owner) {
        const std::string path = prefix + entry.key;
        if (entry.key.find('.') != std::string::npos) return unknown(entry, prefix);  // "a.b" in quotes is one key
        for (const auto& option : options_) {
            if (option.path == path) return option.read(owner, entry.value, reading_);
        }
        for (const Nested& nested : nested_) {
            if (nested.path == path) return read_elements(nested, entry.value);
        }
        const std::string inner = path + ".";
        const bool is_table = std::ranges::any_of(options_, [&](const auto& option) { return option.path.starts_with(inner); });
        if (!is_table) return unknown(entry, prefix);
        if (const auto* table = std::get_if<Value::Table>(&entry.value.content)) return read(*table, inner, owner);
        reading_.wrong(path, fmt::format("a table with {}", fmt::join(keys_behind(inner), ", ")), entry.value);
    }

    void read_elements(const Nested& nested, const Value& value) {
        const auto* elements = std::get_if<Value::Array>(&value.content);
        const std::string expected = fmt::format("tables that begin with [[{}]]", nested.path);
        if (elements == nullptr) return reading_.wrong(nested.path, expected, value);
        for (const Value& element : *elements) {
            if (const auto* table = std::get_if<Value::Table>(&element.content)) {
                nested.read(element, *table);
            } else {
                reading_.wrong(nested.path, expected, element);
            }
        }
    }

    void unknown(const Entry& entry, const std::string& prefix) {
        const bool is_table = std::holds_alternative<Value::Table>(entry.value.content);
        const std::vector<std::string_view> known = keys_behind(prefix);
        std::string hint = fmt::format("expected one of {}", fmt::join(known, ", "));
        if (const auto near = nearest(entry.key, known)) hint = fmt::format("did you mean '{}'?", *near);
        if (const std::string elsewhere = hint_elsewhere(entry.key, prefix); !elsewhere.empty()) hint = elsewhere;
        reading_.mistake(entry.key_at,
                         fmt::format("unknown {} {}; {}", is_table ? "table" : "key", spelled(prefix + entry.key), hint));
    }

    // In single quotes, with what should not reach a terminal escaped.
    static std::string spelled(std::string path) {
        std::string text = describe(Value{.content = std::move(path), .at = {}});
        text.front() = text.back() = '\'';
        return text;
    }

    // Keys and tables directly behind the prefix, in the order of the options, each once.
    std::vector<std::string_view> keys_behind(std::string_view prefix) const {
        std::vector<std::string_view> keys;
        const auto add = [&](std::string_view path) {
            const std::string_view key = component_behind(prefix, path);
            if (!key.empty() && std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
        };
        for (const auto& option : options_) add(option.path);
        for (const Nested& nested : nested_) add(nested.path);
        return keys;
    }

    // For a key at the top that lives in a table ("workers"), and a table that was written inside another ("server.tls").
    std::string hint_elsewhere(std::string_view key, std::string_view prefix) const {
        for (const auto& option : program_options()) {
            if (!prefix.empty() && component_behind("", option.path) == key)
                return fmt::format("[{}] is a table of its own", key);
            const bool same_key = option.path.substr(option.path.rfind('.') + 1) == key;
            if (prefix.empty() && same_key) return fmt::format("did you mean '{}'?", option.path);
        }
        return {};
    }

    const std::vector<Option<Owner>>& options_;
    std::vector<Nested> nested_;
    Reading& reading_;
};

Rule read_rule(const Value& element, const Value::Table& table, Reading& reading) {
    Rule rule;
    TableReader<Rule> reader(rule_options(), {}, reading);
    reader.read(table, "site.rule.", rule);
    reader.check_required(element, "site.rule.");
    return rule;
}

Site read_site(const Value& element, const Value::Table& table, Reading& reading) {
    Site site;
    const auto add_rule = [&](const Value& rule, const Value::Table& entries) {
        site.rules.push_back(read_rule(rule, entries, reading));
    };
    TableReader<Site> reader(site_options(), {{"site.rule", add_rule}}, reading);
    reader.read(table, "site.", site);
    reader.check_required(element, "site.");
    return site;
}

Config read_program(const Value& document, Reading& reading) {
    Config config;
    const auto add_site = [&](const Value& site, const Value::Table& entries) {
        config.sites.push_back(read_site(site, entries, reading));
    };
    TableReader<Config> reader(program_options(), {{"site", add_site}}, reading);
    reader.read(std::get<Value::Table>(document.content), "", config);
    return config;
}

Outcome read_text(std::string_view text, const std::string& file, Disk disk) {
    Reading reading(file, disk);
    const auto document = read_document(text);
    if (!document) {
        reading.mistake(document.error().at, document.error().message);
        return std::unexpected(std::move(reading).diagnostics());
    }
    Config config = read_program(*document, reading);
    check_across_options(*document, reading);
    if (!reading.good()) return std::unexpected(std::move(reading).diagnostics());
    return config;
}

std::expected<std::string, std::error_code> read_file(const std::string& file) {
    const auto last_error = [] { return std::unexpected(std::error_code(errno, std::generic_category())); };
    const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!descriptor) return last_error();
    std::string text;
    std::array<char, 16 << 10> buffer{};
    while (text.size() <= kMaxFile) {
        const ssize_t got = ::read(descriptor.number(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return last_error();
        if (got == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
    return fmt::format("{}:{}:{}: {}", diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message);
}

Outcome parse(std::string_view text, const std::string& file) { return read_text(text, file, Disk::Ignored); }

Outcome load(const std::string& file) {
    const auto text = read_file(file);
    if (text) return read_text(*text, file, Disk::Checked);
    return std::unexpected(std::vector<Diagnostic>{{.file = file, .message = "cannot be read: " + text.error().message()}});
}

}  // namespace selvage::config
