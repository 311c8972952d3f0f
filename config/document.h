#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace selvage::config {

// A place in a text. Both from 1; columns count code points, as editors do.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    friend auto operator<=>(const Position&, const Position&) = default;
};

struct Entry;

// A value as it was written, with its place. Tables keep the order of the text.
struct Value {
    struct Moment {};  // a TOML date or time, which no option takes
    using Array = std::vector<Value>;
    using Table = std::vector<Entry>;

    std::variant<bool, std::int64_t, double, std::string, Moment, Array, Table> content;
    Position at;
};

struct Entry {
    std::string key;
    Position key_at;
    Value value;
};

struct SyntaxError {
    Position at;
    std::string message;
};

// A TOML 1.0 document as a table. The only place that knows toml++.
// Errors: the first syntax error (also a key given twice); a text above 1 MiB; nesting deeper than any option needs.
std::expected<Value, SyntaxError> read_document(std::string_view text);

// The value under a key, or null. `table` may be any value.
const Value* find(const Value& table, std::string_view key);

// What a diagnostic calls it: `5`, `"text"`, `a table`. Never longer than a line.
std::string describe(const Value& value);

}  // namespace selvage::config
