#include "server/http/error_response.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::http;

namespace {

std::string body_of(const Answer& answer) { return std::string(answer.body.segment(0).bytes->view()); }
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

SCENARIO("each kind of failure has a status") {
    const auto status = [](ErrorKind kind) { return error_answer(Error{.kind = kind}).status; };
    CHECK(status(ErrorKind::BadRequest) == 400);
    CHECK(status(ErrorKind::Forbidden) == 403);
    CHECK(status(ErrorKind::NotFound) == 404);
    CHECK(status(ErrorKind::TooLarge) == 413);
    CHECK(status(ErrorKind::Unsupported) == 415);
    CHECK(status(ErrorKind::Unprocessable) == 422);
    CHECK(status(ErrorKind::OriginFailed) == 502);
    CHECK(status(ErrorKind::TimedOut) == 504);
    CHECK(status(ErrorKind::Overloaded) == 503);
    CHECK(status(ErrorKind::Cancelled) == 500);
    CHECK(status(ErrorKind::Internal) == 500);
    CHECK(row_of(static_cast<ErrorKind>(200)).status == 500);
}

SCENARIO("an error is a problem document that names the parameter and its range") {  // RFC 9457
    const Error error{.kind = ErrorKind::BadRequest,
                      .code = "invalid_param",
                      .detail = "w must be a number",
                      .param = "w",
                      .allowed = "1-8192"};
    const Answer answer = error_answer(error);
    CHECK(answer.head->field("content-type") == "application/problem+json");
    CHECK(answer.head->field("x-content-type-options") == "nosniff");
    CHECK(answer.head->field("cache-control") == "no-store");
    CHECK(
        body_of(answer) ==
        R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"w must be a number","code":"invalid_param","param":"w","allowed":"1-8192"})"
        "\n");
}

SCENARIO("what went wrong inside stays inside") {
    const std::string body = body_of(error_answer(Error{.kind = ErrorKind::Internal, .detail = "/var/secret: EIO"}));
    CHECK_FALSE(contains(body, "secret"));
    CHECK(contains(body, "\"status\":500"));
    THEN("and bytes that are no text do no harm") {
        CHECK(contains(body_of(error_answer(Error{.kind = ErrorKind::BadRequest, .detail = "bad \xff\xfe \"<script>"})), "400"));
    }
}

SCENARIO("how long an error is kept") {  // static-delivery §1
    const auto life = [](std::uint16_t status, ErrorFacts facts) {
        return std::string(status_answer(status, facts).head->field("cache-control"));
    };
    CHECK(life(404, {}) == "public, max-age=10");
    CHECK(life(410, {}) == "public, max-age=10");
    CHECK(life(404, {.fingerprinted = true}) == "no-store");
    CHECK(life(404, {.bypass = true}) == "no-store");
    CHECK(life(400, {}) == "no-store");
    CHECK(life(503, {}) == "no-store");
    CHECK(status_answer(503).head->field("retry-after") == "1");
    CHECK(error_answer(Error{.kind = ErrorKind::Overloaded}).head->field("retry-after") == "1");
    CHECK(status_answer(599).head->field("cache-control") == "no-store");
}

SCENARIO("405 says what is allowed") {  // RFC 9110 §10.2.1
    const Answer answer = method_not_allowed("GET, HEAD, OPTIONS");
    CHECK(answer.status == 405);
    CHECK(answer.head->field("allow") == "GET, HEAD, OPTIONS");
}

SCENARIO("a redirect stays on this site") {  // protocol-and-limits §4
    const auto location = [](std::string_view path, std::string_view query = "") {
        return std::string(redirect_answer(301, path, query).head->field("location"));
    };
    CHECK(location("/docs/") == "/docs/");
    CHECK(location("/docs/", "a=1&b") == "/docs/?a=1&b");
    CHECK(location("//evil.example/") == "/evil.example/");
    CHECK(location("////evil.example/") == "/evil.example/");
    CHECK(location("evil.example") == "/evil.example");
    CHECK(location("/a b/") == "/a%20b/");
    CHECK(location("/caf\xc3\xa9/") == "/caf%C3%A9/");
    CHECK_FALSE(contains(location("/a\r\nset-cookie: x/"), "\n"));
    CHECK_FALSE(contains(location("/\\evil.example/"), "\\"));
    CHECK(redirect_answer(301, "/docs/", "").status == 301);
}
