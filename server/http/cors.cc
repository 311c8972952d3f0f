#include "server/http/cors.h"

#include <memory>
#include <string>
#include <utility>

namespace selvage::http {
namespace {

// One day: browsers cap it (Chromium at two hours), and nothing about a public font's permission ever changes.
constexpr std::string_view kPreflightLife = "86400";

bool is_preflight(const Request& request) { return request.has("origin") && request.has("access-control-request-method"); }

}  // namespace

void add_cross_origin_fields(Head::Fields& fields, MediaClass media_class) {
    if (media_class != MediaClass::Font) return;
    fields.emplace_back("access-control-allow-origin", "*");
    fields.emplace_back("timing-allow-origin", "*");
    fields.emplace_back("cross-origin-resource-policy", "cross-origin");
}

Answer options_answer(const Request& request, MediaClass media_class) {
    Head::Fields fields{{"allow", std::string(kAllow)}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}};
    if (media_class == MediaClass::Font && is_preflight(request)) {
        add_cross_origin_fields(fields, media_class);
        fields.emplace_back("access-control-allow-methods", "GET, HEAD");
        // "*" is every header but Authorization, for requests without credentials: the only ones that "*" as origin allows.
        if (request.has("access-control-request-headers")) fields.emplace_back("access-control-allow-headers", "*");
        fields.emplace_back("access-control-max-age", std::string(kPreflightLife));
    }
    Answer answer;
    answer.status = 204;
    answer.head = std::make_shared<const Head>(std::move(fields));
    return answer;
}

}  // namespace selvage::http
