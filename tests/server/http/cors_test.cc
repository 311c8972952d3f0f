#include "server/http/cors.h"

#include <catch2/catch.hpp>

using namespace selvage::http;

SCENARIO("fonts can be used from every origin") {  // static-delivery §1
    Head::Fields fields;
    add_cross_origin_fields(fields, MediaClass::Font);
    const Head head(fields);
    CHECK(head.field("access-control-allow-origin") == "*");
    CHECK(head.field("timing-allow-origin") == "*");
    CHECK(head.field("cross-origin-resource-policy") == "cross-origin");
    CHECK(head.field("vary").empty());
    THEN("and nothing else is opened by default") {
        Head::Fields none;
        add_cross_origin_fields(none, MediaClass::Script);
        CHECK(none.empty());
    }
}

SCENARIO("OPTIONS") {  // RFC 9110 §9.3.7, Fetch §4.8
    Request request;
    request.method = Method::Options;
    CHECK(options_answer(request, MediaClass::Font).status == 204);
    CHECK(options_answer(request, MediaClass::Font).head->field("allow") == "GET, HEAD, OPTIONS");
    CHECK(options_answer(request, MediaClass::Font).head->field("access-control-allow-origin").empty());
    WHEN("it is a preflight") {
        request.fields = {{"origin", "https://example.org"},
                          {"access-control-request-method", "GET"},
                          {"access-control-request-headers", "x-a"}};
        const Answer answer = options_answer(request, MediaClass::Font);
        CHECK(answer.status == 204);
        CHECK(answer.body.length() == 0);
        CHECK(answer.head->field("access-control-allow-origin") == "*");
        CHECK(answer.head->field("access-control-allow-methods") == "GET, HEAD");
        CHECK(answer.head->field("access-control-allow-headers") == "*");
        CHECK(answer.head->field("access-control-max-age") == "86400");
        CHECK(options_answer(request, MediaClass::Html).head->field("access-control-allow-origin").empty());
    }
}
