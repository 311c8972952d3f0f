#include "server/admin/admin.h"

#include <nlohmann/json.hpp>

#include <chrono>

#include "base/url.h"
#include "server/http/error_response.h"

namespace selvage::admin {

namespace {

http::Answer text_answer(std::uint16_t status, std::string_view media_type, std::string body) {
    http::Answer answer;
    answer.status = status;
    answer.head = std::make_shared<const http::Head>(http::Head::Fields{
        {"content-type", std::string(media_type)}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}});
    answer.body = body.empty() ? http::Body() : http::Body(make_blob(std::move(body)));
    return answer;
}

http::Answer reload_answer(const ReloadOutcome& outcome) {
    const nlohmann::json body = {{"reloaded", outcome.mistakes.empty()},
                                 {"generation", outcome.generation},
                                 {"mistakes", outcome.mistakes},
                                 {"needs_restart", outcome.needs_restart}};
    return text_answer(outcome.mistakes.empty() ? 200 : 422, "application/json", body.dump(2) + "\n");
}

http::Answer upgrade_answer(const UpgradeOutcome& outcome) {
    using enum UpgradeOutcome::Verdict;
    if (outcome.verdict == Done) {
        const nlohmann::json body = {{"upgraded", true}, {"process", outcome.process}};
        return text_answer(200, "application/json", body.dump(2) + "\n");
    }
    const nlohmann::json body = {{"upgraded", false}, {"reason", outcome.reason}};
    return text_answer(outcome.verdict == Failed ? 422 : 409, "application/json", body.dump(2) + "\n");
}

std::uint16_t status_of_failed_purge(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::BadRequest:
            return 400;
        case ErrorKind::Unprocessable:
            return 422;
        case ErrorKind::Overloaded:
            return 503;
        default:
            return 500;
    }
}

http::Answer purge_answer(const Result<PurgeOutcome>& outcome) {
    if (outcome) {
        const nlohmann::json body = {{"purged", true}, {"sequence", outcome->sequence}, {"tags", outcome->tags}};
        return text_answer(200, "application/json", body.dump(2) + "\n");
    }
    const nlohmann::json body = {{"purged", false}, {"reason", outcome.error().detail}};
    return text_answer(status_of_failed_purge(outcome.error().kind), "application/json",
                       body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// What was asked of the program is not withdrawn when its client leaves: only the answer is.
class Asked final : public http::PendingReply {
public:
    using Tell = std::function<void(http::Answer)>;
    explicit Asked(std::move_only_function<void(Tell)> ask) : ask_(std::move(ask)) {}
    void start(std::move_only_function<void(http::Answer)> done) override {
        done_ = std::move(done);
        ask_([this, alive = std::weak_ptr<bool>(alive_)](http::Answer answer) {
            if (alive.expired()) return;
            auto finished = std::move(done_);
            finished(std::move(answer));
        });
    }

private:
    std::move_only_function<void(Tell)> ask_;
    std::move_only_function<void(http::Answer)> done_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

struct Route {
    std::string_view path;
    http::Method method;
    std::string_view allow;
    http::Reply (*answer)(Operations&, const http::Request&);
};

http::Reply purge(Operations& operations, const http::Request& request) {
    auto wanted = parse_purge_request(split_target(request.target).query, request.body);
    if (!wanted) return purge_answer(std::unexpected(std::move(wanted).error()));
    return std::make_unique<Asked>(
        [&operations, wanted = *std::move(wanted), by = std::string(request.peer)](const Asked::Tell& tell) mutable {
            operations.purge(std::move(wanted), std::move(by),
                             [tell](const Result<PurgeOutcome>& outcome) { tell(purge_answer(outcome)); });
        });
}

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

const Route kRoutes[] = {
    {"/healthz", http::Method::Get, "GET, HEAD",
     [](Operations&, const http::Request&) -> http::Reply { return text_answer(200, kPlain, "ok\n"); }},
    {"/readyz", http::Method::Get, "GET, HEAD",
     [](Operations& operations, const http::Request&) -> http::Reply {
         return operations.ready() ? text_answer(200, kPlain, "ready\n") : text_answer(503, kPlain, "not ready\n");
     }},
    {"/metrics", http::Method::Get, "GET, HEAD",
     [](Operations& operations, const http::Request&) -> http::Reply {
         return text_answer(200, "text/plain; version=0.0.4; charset=utf-8", operations.metrics());
     }},
    {"/reload", http::Method::Post, "POST",
     [](Operations& operations, const http::Request&) -> http::Reply {
         return std::make_unique<Asked>([&operations](const Asked::Tell& tell) {
             operations.reload([tell](const ReloadOutcome& outcome) { tell(reload_answer(outcome)); });
         });
     }},
    {"/upgrade", http::Method::Post, "POST",
     [](Operations& operations, const http::Request&) -> http::Reply {
         return std::make_unique<Asked>([&operations](const Asked::Tell& tell) {
             operations.upgrade([tell](const UpgradeOutcome& outcome) { tell(upgrade_answer(outcome)); });
         });
     }},
    {"/purge", http::Method::Post, "POST", purge},
};

}  // namespace

AdminDispatcher::AdminDispatcher(Operations& operations) : operations_(operations) {}

http::Reply AdminDispatcher::handle(const http::Request& request) {
    const std::string_view path = split_target(request.target).path;
    for (const Route& route : kRoutes) {
        if (route.path != path) continue;
        const bool head = request.method == http::Method::Head && route.method == http::Method::Get;
        if (request.method != route.method && !head) return http::method_not_allowed(route.allow);
        return route.answer(operations_, request);
    }
    return http::status_answer(404);
}

std::uint64_t AdminDispatcher::takes_body(const http::Request& request) {
    const bool purge = request.method == http::Method::Post && split_target(request.target).path == "/purge";
    return purge ? kLargestPurgeBody : 0;
}

std::string_view AdminDispatcher::date() {
    date_ = http_date(std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()));
    return date_;
}

}  // namespace selvage::admin
