#include "config/document.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "base/ascii.h"

namespace selvage::config {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;   // a thousand sites fit; what is larger is not a configuration
constexpr int kMaxDepth = 16;                // options end at depth 5
constexpr int kMaxDotsInKeys = 32;           // per line, outside quotes: toml++ recurses once per dotted key
constexpr std::size_t kMaxDescription = 60;  // of a string in a diagnostic, in bytes

Position begin_of(const toml::source_region& region) { return {.line = region.begin.line, .column = region.begin.column}; }

// toml++ 3.3 bounds brackets but not dots, and would exhaust the stack on "a.a.a.a…". Commas end a key; quotes hide dots.
std::optional<SyntaxError> refuse_deep_keys(std::string_view text) {
    std::uint32_t line = 1;
    int dots = 0;
    char quote = '\0';
    bool comment = false;
    for (const char c : text) {
        if (c == '\n') {
            ++line;
            dots = 0;
            quote = '\0';
            comment = false;
        } else if (comment) {
            continue;
        } else if (quote != '\0') {
            if (c == quote) quote = '\0';
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#') {
            comment = true;
        } else if (c == ',') {
            dots = 0;
        } else if (c == '.' && ++dots > kMaxDotsInKeys) {
            return SyntaxError{.at = {.line = line, .column = 1}, .message = "keys nested too deeply"};
        }
    }
    return std::nullopt;
}

// Turns toml++'s nodes into ours; remembers the first place that is nested too deeply.
class Conversion {
public:
    Value convert(const toml::node& node, int depth) {
        Value value{.content = false, .at = begin_of(node.source())};
        if (const auto* table = node.as_table()) {
            value.content = convert_table(*table, depth);
        } else if (const auto* array = node.as_array()) {
            value.content = convert_array(*array, depth);
        } else if (const auto* text = node.as_string()) {
            value.content = text->get();
        } else if (const auto* integer = node.as_integer()) {
            value.content = integer->get();
        } else if (const auto* number = node.as_floating_point()) {
            value.content = number->get();
        } else if (const auto* flag = node.as_boolean()) {
            value.content = flag->get();
        } else {
            value.content = Value::Moment{};
        }
        return value;
    }

    const std::optional<Position>& too_deep() const { return too_deep_; }

private:
    bool may_enter(const toml::node& node, int depth) {
        if (depth < kMaxDepth) return true;
        if (!too_deep_) too_deep_ = begin_of(node.source());
        return false;
    }

    Value::Table convert_table(const toml::table& table, int depth) {
        Value::Table entries;
        if (!may_enter(table, depth)) return entries;
        entries.reserve(table.size());
        for (const auto& [key, node] : table) {
            entries.push_back({std::string(key.str()), begin_of(key.source()), convert(node, depth + 1)});
        }
        std::ranges::sort(entries, {}, &Entry::key_at);  // toml++ keeps them by name
        return entries;
    }

    Value::Array convert_array(const toml::array& array, int depth) {
        Value::Array values;
        if (!may_enter(array, depth)) return values;
        values.reserve(array.size());
        for (const auto& node : array) values.push_back(convert(node, depth + 1));
        return values;
    }

    std::optional<Position> too_deep_;
};

std::string describe_text(const std::string& text) {
    std::string shown = "\"";
    for (const char c : text) {
        if (shown.size() > kMaxDescription) {
            while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xC0) == 0x80) shown.pop_back();
            return shown + "…\"";
        }
        if (c == '"' || c == '\\') {
            shown += '\\';
            shown += c;
        } else if (is_control(c)) {
            shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            shown += c;
        }
    }
    return shown + '"';
}

}  // namespace

std::expected<Value, SyntaxError> read_document(std::string_view text) {
    if (text.size() > kMaxBytes) return std::unexpected(SyntaxError{{1, 1}, "a configuration has at most 1 MiB"});
    if (auto error = refuse_deep_keys(text)) return std::unexpected(*std::move(error));
    try {
        const toml::table table = toml::parse(text);
        Conversion conversion;
        Value document = conversion.convert(table, 0);
        if (conversion.too_deep()) return std::unexpected(SyntaxError{*conversion.too_deep(), "nested too deeply"});
        return document;
    } catch (const toml::parse_error& error) {  // Debian's library is built with exceptions; they end here
        return std::unexpected(SyntaxError{begin_of(error.source()), std::string(error.description())});
    }
}

const Value* find(const Value& table, std::string_view key) {
    const auto* entries = std::get_if<Value::Table>(&table.content);
    if (entries == nullptr) return nullptr;
    const auto found = std::ranges::find(*entries, key, &Entry::key);
    return found == entries->end() ? nullptr : &found->value;
}

std::string describe(const Value& value) {
    struct Describe {
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
        std::string operator()(double number) const { return fmt::format("the fraction {}", number); }
        std::string operator()(const std::string& text) const { return describe_text(text); }
        std::string operator()(Value::Moment) const { return "a date or time"; }
        std::string operator()(const Value::Array&) const { return "a list"; }
        std::string operator()(const Value::Table&) const { return "a table"; }
    };
    return std::visit(Describe{}, value.content);
}

}  // namespace selvage::config
