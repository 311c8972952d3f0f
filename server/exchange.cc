#include "server/exchange.h"

#include <chrono>

#include "base/url.h"
#include "server/http/cors.h"
#include "server/http/error_response.h"
#include "server/http/fingerprint.h"

namespace selvage::server {

namespace {

using http::Method;
using http::Verdict;

// RFC 9211: where the bytes came from. Nothing of our own making (errors, redirects) names a cache.
std::string_view cache_status(Verdict verdict) {
    switch (verdict) {
        case Verdict::Hit:
            return "selvage; hit";
        case Verdict::DiskHit:
            return "selvage; hit; detail=disk";
        case Verdict::Miss:
            return "selvage; fwd=miss; stored";
        case Verdict::Coalesced:
            return "selvage; fwd=miss; collapsed";
        case Verdict::Bypass:
            return "selvage; fwd=bypass";
        case Verdict::Stale:
            return "selvage; hit; detail=interim";
        case Verdict::None:
            break;
    }
    return "selvage; detail=generated";
}

void stamp(http::Answer& answer) { answer.extra.add("cache-status", cache_status(answer.verdict)); }

// Completes the answer of another pending reply.
class Stamped final : public http::PendingReply {
public:
    explicit Stamped(http::Pending inner) : inner_(std::move(inner)) {}
    void start(std::move_only_function<void(http::Answer)> done) override {
        inner_->start([done = std::move(done)](http::Answer answer) mutable {
            stamp(answer);
            done(std::move(answer));
        });
    }

private:
    http::Pending inner_;
};

}  // namespace

// A path that the catalogue does not know yet: it looks on the work pool, then the request goes on as if it had known.
class Exchange::LookUp final : public http::PendingReply {
public:
    LookUp(Exchange& exchange, const http::Request& request, std::string path, SnapshotPtr snapshot, const Site& site)
        : exchange_(exchange), request_(request), path_(std::move(path)), snapshot_(std::move(snapshot)), site_(site) {}

    void start(std::move_only_function<void(http::Answer)> done) override {
        done_ = std::move(done);
        operation_ = exchange_.services_.pool.submit(
            exchange_.services_.loop, loop::WorkPool::Lane::Now,
            [catalogue = site_.catalogue, path = path_] { return catalogue->resolve(path); },
            [this](Result<catalogue::Entry> entry) { looked_up(std::move(entry)); });
    }

private:
    void looked_up(Result<catalogue::Entry> entry) {
        if (!entry) {
            exchange_.services_.log.error("catalogue", "{}: {}", path_, entry.error().detail);
            return finish(http::error_answer(entry.error()));
        }
        http::Reply reply = exchange_.reply_to(request_, path_, snapshot_, site_, *entry);
        if (auto* answer = std::get_if<http::Answer>(&reply)) return finish(std::move(*answer));
        next_ = std::move(std::get<http::Pending>(reply));
        next_->start([this](http::Answer answer) { finish(std::move(answer)); });
    }

    void finish(http::Answer answer) {
        auto done = std::move(done_);
        done(std::move(answer));  // drops us
    }

    Exchange& exchange_;
    const http::Request& request_;
    std::string path_;
    SnapshotPtr snapshot_;
    const Site& site_;
    std::move_only_function<void(http::Answer)> done_;
    loop::Operation operation_;
    http::Pending next_;
};

Exchange::Exchange(handlers::Services& services, SnapshotPtr snapshot, AccessLog::Writer* access_log)
    : services_(services), snapshot_(std::move(snapshot)), access_log_(access_log) {
    for (const handlers::MakeHandler make : handlers::kHandlers) handlers_.push_back(make(services_));
}

// Once per second and loop, at the second: a Date that lags would be older than the Last-Modified of a fresh file, which RFC 9110
// §8.8.2.1 forbids.
void Exchange::refresh_clock() {
    if (services_.loop.now() < next_second_) return;
    const auto now = std::chrono::system_clock::now();
    services_.now = std::chrono::time_point_cast<std::chrono::seconds>(now);
    date_ = http_date(services_.now);
    const auto into_second = std::chrono::duration_cast<std::chrono::milliseconds>(now - services_.now);
    next_second_ = services_.loop.now() + std::chrono::seconds(1) - into_second;
}

std::string_view Exchange::date() {
    refresh_clock();
    return date_;
}

http::Reply Exchange::handle(const http::Request& request) {
    refresh_clock();
    if (request.method != Method::Get && request.method != Method::Head && request.method != Method::Options) {
        return stamped(http::method_not_allowed(http::kAllow));
    }
    if (request.target == "*") return stamped(http::options_answer(request, http::MediaClass::Other));
    const SnapshotPtr snapshot = snapshot_;
    if (request.target.size() > snapshot->config->http1.request_line) {  // HTTP/1 sessions have refused it before
        services_.counters.limit_hit(http::LimitHit::RequestLine);
        return stamped(http::status_answer(414));
    }
    const Site* site = snapshot->find(request.authority);
    if (!site) return stamped(http::status_answer(421));

    const TargetParts target = split_target(request.target);
    std::string normalised;
    std::string_view path = target.path;
    if (!is_normal_path(path)) {
        Result<std::string> decoded = normalise_path(path);
        if (!decoded) return stamped(http::error_answer(decoded.error()));
        normalised = *std::move(decoded);
        path = normalised;
    }
    if (const auto entry = site->catalogue->find(path)) return stamped(reply_to(request, path, snapshot, *site, *entry));
    if (services_.pool.full(loop::WorkPool::Lane::Now)) {
        services_.counters.limit_hit(http::LimitHit::WorkQueue);
        return stamped(
            http::error_answer({.kind = ErrorKind::Overloaded, .code = "overloaded", .detail = "the work queue is full"}));
    }
    return stamped(std::make_unique<LookUp>(*this, request, std::string(path), snapshot, *site));
}

http::Reply Exchange::reply_to(const http::Request& request, std::string_view path, const SnapshotPtr& snapshot, const Site& site,
                               const catalogue::Entry& entry) {
    if (std::holds_alternative<catalogue::Absent>(entry)) {
        const config::Rule* rule = site.rule_for(path);
        return http::status_answer(404, {.fingerprinted = http::is_fingerprinted(path), .bypass = rule && rule->bypass});
    }
    if (std::holds_alternative<catalogue::Directory>(entry)) {
        std::string with_slash(path);
        with_slash += '/';
        return http::redirect_answer(301, with_slash, split_target(request.target).query);
    }
    return found(request, snapshot, site, path, std::get<catalogue::SourcePtr>(entry));
}

http::Reply Exchange::found(const http::Request& request, const SnapshotPtr& snapshot, const Site& site, std::string_view path,
                            catalogue::SourcePtr source) {
    const handlers::Resource resource{.request = request,
                                      .query = split_target(request.target).query,
                                      .snapshot = snapshot,
                                      .site = &site,
                                      .rule = site.rule_for(path),
                                      .source = std::move(source)};
    for (const auto& handler : handlers_) {
        if (auto reply = handler->handle(resource)) return *std::move(reply);
    }
    return http::status_answer(404);
}

http::Reply Exchange::stamped(http::Reply reply) {
    if (auto* answer = std::get_if<http::Answer>(&reply)) {
        stamp(*answer);
        return reply;
    }
    return std::make_unique<Stamped>(std::move(std::get<http::Pending>(reply)));
}

void Exchange::finished(const http::Request& request, const http::Outcome& outcome) {
    services_.counters.count(request, outcome);
    if (access_log_) access_log_->write(request, outcome, services_.counters);
}

}  // namespace selvage::server
