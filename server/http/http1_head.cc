#include "server/http/http1_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/fields.h"
#include "server/http/request_builder.h"

namespace selvage::http {

namespace {

using Table = std::array<char, 256>;
constexpr unsigned char place(char c) { return static_cast<unsigned char>(c); }

constexpr Table table_of(std::string_view extra) {  // letters in lower case, digits, and these; 0 for all others
    Table table{};
    for (int c = 0; c < 128; ++c) {
        const char letter = static_cast<char>(c);
        if (is_alphanumeric(letter)) table[place(letter)] = to_lower(letter);
    }
    for (const char c : extra) table[place(c)] = c;
    return table;
}
constexpr Table kToken = table_of("!#$%&'*+-.^_`|~");          // RFC 9110 §5.6.2
constexpr Table kAuthority = table_of("-._~%!$&'()*+,;=:[]");  // RFC 3986 §3.2, without user information (RFC 9110 §4.2.4)

bool all_in(const Table& table, std::string_view text) {
    return std::ranges::all_of(text, [&](char c) { return table[place(c)] != 0; });
}

// Methods that mean something to somebody; the handler says which of them it has. Others are 501.
constexpr auto kMethods = std::to_array<std::string_view>(
    {"GET",      "HEAD",      "POST",  "OPTIONS", "PUT",    "DELETE", "CONNECT",    "TRACE",      "PATCH",  "ACL",
     "BIND",     "CHECKOUT",  "COPY",  "LINK",    "LOCK",   "MERGE",  "MKACTIVITY", "MKCALENDAR", "MKCOL",  "MOVE",
     "PROPFIND", "PROPPATCH", "PURGE", "QUERY",   "REBIND", "REPORT", "SEARCH",     "UNBIND",     "UNLINK", "UNLOCK"});

// No loop exit within: the compiler makes 16 characters at a time of it.
bool has_control(std::string_view text) {
    unsigned char found = 0;
    for (const char c : text) {
        const unsigned char code = place(c);
        found |= static_cast<unsigned char>((code < 0x20 && code != '\t') || code == 0x7F);
    }
    return found != 0;
}

bool has_space_or_control(std::string_view text) {
    unsigned char found = 0;
    for (const char c : text) found |= static_cast<unsigned char>(place(c) <= 0x20 || c == 0x7F);
    return found != 0;
}

Http1Head refused(std::uint16_t status, LimitHit limit = LimitHit::kCount) {
    return {.error = status, .limit = limit, .keep_alive = false, .has_body = false, .body_bytes = 0};
}

class HeadParser {
public:
    HeadParser(Http1Text& text, const config::Http1& limits, Request& request)
        : text_(text), limits_(limits), request_(request), rest_(text.head) {}

    Http1Head parse() {
        const std::size_t line_end = rest_.find("\r\n");
        if (line_end > limits_.request_line) return refused(414, LimitHit::RequestLine);
        // The last 4 bytes end the section, whatever is in it: the session, which sees it grow, allows for them too.
        if (rest_.size() - line_end > limits_.header_bytes + 4) return refused(431, LimitHit::HeaderBytes);
        if (const std::uint16_t error = request_line(rest_.substr(0, line_end))) return refused(error);
        rest_.remove_prefix(line_end + 2);
        while (!rest_.starts_with("\r\n")) {
            if (!field_line()) return refused(400);
        }
        if (fields_ > limits_.fields) return refused(431, LimitHit::HeaderFields);
        if (field_too_large_) return refused(431, LimitHit::HeaderBytes);
        if (const std::uint16_t error = framing()) return refused(error);
        return {.keep_alive = http11() ? !close_ : keep_alive_ && !close_,
                .has_body = chunked_ || content_length_ > 0,
                .body_bytes = content_length_};
    }

private:
    bool http11() const { return request_.protocol == Protocol::Http11; }

    // Three words, one space between them; 0 or the status of the error.
    std::uint16_t request_line(std::string_view line) {
        const std::size_t first = line.find(' '), last = line.rfind(' ');
        if (first == std::string_view::npos || first == last) return 400;
        const std::string_view method = line.substr(0, first);
        const std::string_view target = line.substr(first + 1, last - first - 1);
        if (target.empty() || has_space_or_control(target)) return 400;
        if (const std::uint16_t error = version(line.substr(last + 1))) return error;
        if (std::ranges::find(kMethods, method) == kMethods.end()) return all_in(kToken, method) ? 501 : 400;
        request_.method_text = method;
        request_.method = method_of(method);
        return this->target(target, method) ? 0 : 400;
    }

    // "HTTP/" DIGIT "." DIGIT
    std::uint16_t version(std::string_view word) {
        if (word.size() != 8 || !word.starts_with("HTTP/") || !is_digit(word[5]) || word[6] != '.' || !is_digit(word[7]))
            return 400;
        if (word[5] != '1') return 505;
        request_.protocol = word[7] == '0' ? Protocol::Http10 : Protocol::Http11;
        return 0;
    }

    // Origin, absolute and asterisk form (RFC 9112 §3.2). CONNECT's authority form ends as a method that nobody has.
    bool target(std::string_view raw, std::string_view method) {
        if (method == "CONNECT") {
            connect_ = true;
            request_.target = "/";
            return all_in(kAuthority, raw);
        }
        request_.target = raw;
        if (raw.starts_with('/')) return true;
        if (raw == "*") return request_.method == Method::Options;
        for (const std::string_view scheme : {"http://", "https://"}) {
            if (equals_ignoring_case(raw.substr(0, scheme.size()), scheme)) return absolute(raw.substr(scheme.size()));
        }
        return false;
    }

    bool absolute(std::string_view rest) {
        const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
        request_.authority = rest.substr(0, path);
        request_.target = rest.substr(path);
        if (!request_.target.starts_with('/')) {
            request_.target = text_.added.emplace_front("/").append(request_.target);
        }
        return path > 0 && all_in(kAuthority, request_.authority);
    }

    // name ":" OWS value OWS CRLF
    bool field_line() {
        const std::size_t end = rest_.find('\r');
        if (rest_[end + 1] != '\n') return false;
        char* const start = text_.head.data() + (rest_.data() - text_.head.data());
        std::size_t size = 0;
        while (const char lower = kToken[place(start[size])]) start[size++] = lower;
        if (size == 0 || start[size] != ':') return false;
        const std::string_view name(start, size);
        const std::string_view value = trim(rest_.substr(size + 1, end - size - 1));
        rest_.remove_prefix(end + 2);
        ++fields_;
        field_too_large_ |= name.size() + value.size() > limits_.field_bytes;
        return !has_control(value) && (fields_ > limits_.fields || take(name, value));
    }

    bool take(std::string_view name, std::string_view value) {
        const std::size_t kind = field_kind(name);
        Field* existing = request_.fields.find(name, kind);
        if (name == "host" && (existing || !all_in(kAuthority, value))) return false;
        if (name == "content-length" && (existing || !number(value))) return false;
        if (name == "transfer-encoding") coded(value);
        if (name == "connection") connection(value);
        if (!existing) {
            request_.fields.push_back({name, value}, kind);
            return true;
        }
        // One string for a name, however often it comes: a new one each time would copy all before it, and keep the copies.
        const auto joined = std::ranges::find(text_.added, existing->value.data(), [](const auto& one) { return one.data(); });
        std::string& whole = joined == text_.added.end() ? text_.added.emplace_front(existing->value) : *joined;
        existing->value = whole.append(name == "cookie" ? "; " : ", ").append(value);
        return true;
    }

    bool number(std::string_view digits) {
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), content_length_);
        has_length_ = true;
        return error == std::errc() && end == digits.data() + digits.size();  // unsigned: a minus sign is an error
    }

    // Nothing but "chunked", and that once: RFC 9112 §6.1, §7.1.
    void coded(std::string_view codings) {
        while (const auto coding = next_member(codings)) {
            chunked_ = !std::exchange(coded_, true) && equals_ignoring_case(*coding, "chunked");
        }
        coded_ = true;
    }

    void connection(std::string_view options) {
        while (const auto option = next_member(options)) {
            close_ |= equals_ignoring_case(*option, "close");
            keep_alive_ |= equals_ignoring_case(*option, "keep-alive");
        }
    }

    std::uint16_t framing() {
        if (http11() && !request_.has("host")) return 400;
        if (request_.authority.empty()) request_.authority = request_.field("host");
        if (coded_ && (has_length_ || !http11())) return 400;
        if (coded_ && !chunked_) return 501;
        close_ |= connect_;
        return 0;
    }

    Http1Text& text_;
    const config::Http1& limits_;
    Request& request_;
    std::string_view rest_;  // of text_.head
    unsigned fields_ = 0;
    std::uint64_t content_length_ = 0;
    bool field_too_large_ = false;
    bool connect_ = false, close_ = false, keep_alive_ = false;
    bool has_length_ = false, coded_ = false, chunked_ = false;
};

}  // namespace

Http1Head parse_http1_head(Http1Text& text, const config::Http1& limits, Request& request) {
    return HeadParser(text, limits, request).parse();
}

}  // namespace selvage::http
