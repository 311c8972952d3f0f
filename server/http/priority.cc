#include "server/http/priority.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/ascii.h"
#include "base/fields.h"

namespace selvage::http {

namespace {

bool begins_key(char c) { return (c >= 'a' && c <= 'z') || c == '*'; }

// Walks a dictionary of RFC 8941 §3.2 as far as a priority needs it: values are found whole, the two that count are read.
class Dictionary {
public:
    explicit Dictionary(std::string_view text) : rest_(trim(text)) {}

    std::optional<Priority> priority() {
        Priority result;
        while (!rest_.empty()) {
            const std::string_view name = key();
            if (name.empty()) return std::nullopt;
            std::string_view value = "?1";
            if (take('=') && (value = item()).empty()) return std::nullopt;
            if (!parameters()) return std::nullopt;
            apply(name, value, result);
            if (!separator()) return std::nullopt;
        }
        return result;
    }

private:
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    template <typename Belongs>
    std::string_view run(std::size_t from, Belongs belongs) {
        std::size_t size = from;
        while (size < rest_.size() && belongs(rest_[size])) ++size;
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }

    std::string_view key() {
        if (rest_.empty() || !begins_key(rest_.front())) return {};
        return run(1, [](char c) { return begins_key(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; });
    }

    // A bare item (§3.3) or an inner list, as written; empty when it is neither.
    std::string_view item() {
        if (rest_.empty()) return {};
        const char first = rest_.front();
        if (first == '"') return quoted();
        if (first == '(') return enclosed(')');
        if (first == ':') return enclosed(':');
        if (first == '?') return run(1, [](char c) { return c == '0' || c == '1'; });
        return run(0, [](char c) {
            return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
        });
    }

    std::string_view quoted() {
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '\\')
                ++i;
            else if (rest_[i] == '"')
                return cut(i + 1);
        }
        return {};
    }

    std::string_view enclosed(char last) {
        const std::size_t end = rest_.find(last, 1);
        return end == std::string_view::npos ? std::string_view() : cut(end + 1);
    }

    std::string_view cut(std::size_t size) {
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }

    bool parameters() {
        while (take(';')) {
            while (take(' ')) {
            }
            if (key().empty()) return false;
            if (take('=') && item().empty()) return false;
        }
        return true;
    }

    // A comma with something behind it, or the end.
    bool separator() {
        rest_ = trim(rest_);
        if (rest_.empty()) return true;
        if (!take(',')) return false;
        rest_ = trim(rest_);
        return !rest_.empty();
    }

    static void apply(std::string_view name, std::string_view value, Priority& result) {
        if (name == "i" && (value == "?0" || value == "?1")) result.incremental = value == "?1";
        if (name != "u") return;
        unsigned urgency = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), urgency);
        const bool whole = error == std::errc() && end == value.data() + value.size();
        if (whole && urgency < kUrgencies) result.urgency = static_cast<Urgency>(urgency);
    }

    std::string_view rest_;
};

}  // namespace

std::optional<Priority> parse_priority(std::string_view value) { return Dictionary(value).priority(); }

Urgency default_urgency(std::string_view content_type) {
    static constexpr std::array kTypes = std::to_array<std::pair<std::string_view, Urgency>>({
        {"text/html", 0},
        {"application/xhtml+xml", 0},
        {"text/css", 1},
        {"font/", 2},
        {"text/javascript", 2},
        {"application/javascript", 2},
    });
    for (const auto& [type, urgency] : kTypes) {
        if (content_type.starts_with(type)) return urgency;
    }
    return kDefaultUrgency;
}

}  // namespace selvage::http
