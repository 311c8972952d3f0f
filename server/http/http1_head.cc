#include "server/http/http1_head.h"

#include <http_parser.h>

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "base/fields.h"

namespace selvage::http {

namespace {

// Lines end in CRLF and hold no other CR, LF or NUL; the request line has three words with one space between them; field lines
// begin with their name and have no white space before the colon.
bool strict_lines(std::string_view head) {
    bool first = true;
    while (!head.empty()) {
        const std::size_t end = head.find('\n');
        if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r') return false;
        const std::string_view line = head.substr(0, end - 1);
        head.remove_prefix(end + 1);
        if (line.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos) return false;
        if (first && (std::ranges::count(line, ' ') != 2 || line.find('\t') != std::string_view::npos)) return false;
        if (!first && !line.empty()) {
            const std::size_t colon = line.find(':');
            if (colon == std::string_view::npos || colon == 0) return false;
            if (line.substr(0, colon).find_first_of(" \t") != std::string_view::npos) return false;
        }
        first = false;
    }
    return true;
}

struct Collected {
    RequestBuilder& builder;
    const config::Http1& limits;
    std::string name;
    std::string_view target;
    unsigned fields = 0;
    unsigned hosts = 0;
    bool transfer_encoding = false;
    bool content_length = false;
    bool field_too_large = false;
};

Collected& collected(http_parser* parser) { return *static_cast<Collected*>(parser->data); }

int on_url(http_parser* parser, const char* at, std::size_t size) {
    collected(parser).target = {at, size};
    return 0;
}

int on_name(http_parser* parser, const char* at, std::size_t size) {
    std::string& name = collected(parser).name;
    name.assign(at, size);
    std::ranges::transform(name, name.begin(), to_lower);
    return 0;
}

int on_value(http_parser* parser, const char* at, std::size_t size) {
    Collected& head = collected(parser);
    const std::string_view value = trim({at, size});
    ++head.fields;
    head.hosts += head.name == "host";
    head.transfer_encoding |= head.name == "transfer-encoding";
    head.content_length |= head.name == "content-length";
    head.field_too_large |= head.name.size() + value.size() > head.limits.field_bytes;
    head.builder.add(head.name, value);
    return 0;
}

int on_head_complete(http_parser* parser) {
    http_parser_pause(parser, 1);  // only the head was given; a body is the session's business
    return 0;
}

// host[:port] as RFC 3986 §3.2 spells it, without the user information that HTTP forbids (RFC 9110 §4.2.4); may be empty.
bool is_authority(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
    });
}

// Origin, absolute and asterisk form (RFC 9112 §3.2). CONNECT's authority form ends as an unknown method.
bool take_target(std::string_view raw, RequestBuilder& builder) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (raw.size() < scheme.size() || !equals_ignoring_case(raw.substr(0, scheme.size()), scheme)) continue;
        const std::string_view rest = raw.substr(scheme.size());
        const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
        if (path == 0) return false;
        builder.add(":authority", rest.substr(0, path));
        std::string target(rest.substr(path));
        if (!target.starts_with('/')) target.insert(0, 1, '/');
        builder.add(":path", target);
        return true;
    }
    builder.add(":path", raw);
    return true;
}

http_parser_settings make_settings() {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_head_complete;
    return settings;
}

Http1Head refused(std::uint16_t status, LimitHit limit = LimitHit::kCount) {
    return {.error = status, .limit = limit, .keep_alive = false, .has_body = false};
}

}  // namespace

Http1Head parse_http1_head(std::string_view head, const config::Http1& limits, RequestBuilder& builder, Request& request) {
    builder.clear();
    const std::size_t line_end = head.find("\r\n");
    if (line_end > limits.request_line) return refused(414, LimitHit::RequestLine);
    // The last 4 bytes end the section, whatever is in it: the session, which sees it grow, allows for them too.
    if (head.size() - line_end > limits.header_bytes + 4) return refused(431, LimitHit::HeaderBytes);
    if (!strict_lines(head)) return refused(400);

    static const http_parser_settings kSettings = make_settings();
    Collected fields{builder, limits, {}, {}};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &fields;
    http_parser_execute(&parser, &kSettings, head.data(), head.size());

    const auto error = static_cast<http_errno>(parser.http_errno);
    if (error == HPE_INVALID_VERSION) return refused(505);
    if (error != HPE_PAUSED && error != HPE_OK) return refused(error == HPE_INVALID_METHOD ? 501 : 400);
    if (parser.http_major != 1) return refused(505);
    if (fields.fields > limits.fields) return refused(431, LimitHit::HeaderFields);
    if (fields.field_too_large) return refused(431, LimitHit::HeaderBytes);
    const bool http11 = parser.http_minor >= 1;
    if (fields.hosts > 1 || (http11 && fields.hosts == 0)) return refused(400);
    if (fields.transfer_encoding && (fields.content_length || !http11)) return refused(400);
    if (fields.transfer_encoding && (parser.flags & F_CHUNKED) == 0) return refused(501);

    const bool connect = parser.method == HTTP_CONNECT;
    builder.add(":method", http_method_str(static_cast<http_method>(parser.method)));
    if (connect ? !(builder.add(":path", "/"), true) : !take_target(fields.target, builder)) return refused(400);
    if (fields.target == "*" && parser.method != HTTP_OPTIONS) return refused(400);
    if (!builder.build(request)) return refused(400);
    if (!is_authority(request.authority) || !is_authority(request.field("host"))) return refused(400);
    request.protocol = http11 ? Protocol::Http11 : Protocol::Http10;

    Http1Head result;
    result.keep_alive = http_should_keep_alive(&parser) != 0 && !connect;
    result.has_body = fields.transfer_encoding || (fields.content_length && parser.content_length != 0);
    return result;
}

}  // namespace selvage::http
