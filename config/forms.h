#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/reading.h"

namespace selvage::config {

// How an option's value is written: read from a document, spelled again, and named in the manual.
//
// `read` reports whatever is wrong to the Reading, under the option's path, and then returns nothing.
// `write` is the value's TOML spelling; two values are the same when their spellings are.
template <typename T>
struct Form {
    std::string type;    // the manual's word: "size"
    std::string bounds;  // "1MiB to 1TiB"; empty when there are none
    std::string unit;    // what a bare number counts: "bytes"; empty when there is none
    std::function<std::optional<T>(const Value& value, Reading& reading, std::string_view path)> read;
    std::function<std::string(const T& value)> write;
};

// A TOML basic string.
std::string quoted(std::string_view text);

Form<bool> flag();

// Integers. `unit` says what is counted ("pixels").
Form<unsigned> count(unsigned min, unsigned max, const std::string& unit);
Form<std::uint64_t> large_count(std::uint64_t min, std::uint64_t max, const std::string& unit);

// "256MiB" or an integer of bytes.
Form<std::uint64_t> size(std::uint64_t min, std::uint64_t max);

// "1h" or an integer of seconds. The second form takes whole seconds only.
Form<std::chrono::milliseconds> duration(std::chrono::milliseconds min, std::chrono::milliseconds max);
Form<std::chrono::seconds> whole_seconds(std::chrono::seconds min, std::chrono::seconds max);

Form<LogLevel> log_level();
Form<Endpoint> endpoint();        // "https://127.0.0.1:8443"
Form<Endpoint> admin_endpoint();  // "127.0.0.1:9090": never https
Form<Network> network();          // "10.0.0.0/8", or one address

// Paths, resolved against the folder of the file. A folder must exist and a file be readable where the disk is checked.
Form<std::string> folder();
Form<std::string> readable_file();
Form<std::string> any_path();
Form<std::string> log_target();  // a path, "stderr", or "" for none

// One of the words.
Form<std::string> word(const std::vector<std::string>& words);

// "*", "example.org" or "*.example.org"; lower-cased, a final dot removed. An IPv6 literal keeps its brackets.
Form<std::string> host();
Form<std::vector<std::string>> hosts();  // at least one

// A glob that can match a normalised path: it begins with '/' or "**".
Form<std::string> glob();

// A word to purge by: 1 to 64 letters, digits and "-._:/".
Form<std::string> tag();

// Response fields as an inline table of strings, in the order of the text.
// Refused: names that are no token, values with control bytes, fields that the server owns (framing, validators, negotiation).
// Source: RFC 9110 §5.1, §5.5, §7.6.1.
Form<std::vector<std::pair<std::string, std::string>>> fields();

template <typename T>
Form<std::optional<T>> optional(const Form<T>& form) {
    return {.type = form.type,
            .bounds = form.bounds,
            .unit = form.unit,
            .read = [form](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::optional<T>> {
                auto read = form.read(value, reading, path);
                if (!read) return std::nullopt;
                return std::optional<std::optional<T>>(std::in_place, std::move(read));
            },
            .write = [form](const std::optional<T>& value) { return value ? form.write(*value) : std::string(); }};
}

// A list without repetitions.
template <typename T>
Form<std::vector<T>> list_of(const Form<T>& form) {
    auto read = [form](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::vector<T>> {
        const auto* items = std::get_if<Value::Array>(&value.content);
        if (items == nullptr) {
            reading.wrong(path, "a list of " + form.type + "s", value);
            return std::nullopt;
        }
        std::vector<T> list;
        for (const Value& item : *items) {
            auto one = form.read(item, reading, path);
            if (!one) continue;
            if (std::find(list.begin(), list.end(), *one) != list.end()) {
                reading.mistake(item.at, std::string(path) + ": " + describe(item) + " is in the list already");
            }
            list.push_back(*std::move(one));
        }
        return list;
    };
    auto write = [form](const std::vector<T>& list) {
        std::string out = "[";
        for (const T& item : list) out += (out.size() > 1 ? ", " : "") + form.write(item);
        return out + "]";
    };
    return {.type = "list of " + form.type + "s", .bounds = form.bounds, .unit = form.unit, .read = read, .write = write};
}

}  // namespace selvage::config
