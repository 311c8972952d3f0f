#include "server/exchange.h"

#include <chrono>

#include "base/url.h"
#include "server/http/cors.h"
#include "server/http/error_response.h"

namespace selvage::server {

namespace {

using http::Method;

// What a URL names that leads to no file: a redirect, or nothing.
class Fixed final : public handlers::Resource {
public:
    explicit Fixed(http::Answer answer) : answer_(std::move(answer)) {}
    http::Reply respond(const http::Request&) override { return answer_; }

private:
    const http::Answer answer_;
};

}  // namespace

// A path that the catalogue does not know yet: it looks on the work pool, then the request goes on as if it had known.
class Exchange::LookUp final : public http::PendingReply {
public:
    LookUp(Exchange& exchange, const http::Request& request, const Route& route)
        : exchange_(exchange), request_(request), path_(route.path), route_(route) {
        route_.path = path_;
    }

    void start(std::move_only_function<void(http::Answer)> done) override {
        done_ = std::move(done);
        operation_ = exchange_.services_.pool.submit(
            exchange_.services_.loop, loop::WorkPool::Lane::Now,
            [catalogue = route_.site.catalogue, path = path_] { return catalogue->resolve(path); },
            [this](Result<catalogue::Entry> entry) { looked_up(std::move(entry)); });
    }

    void withdraw() override {
        if (next_) return next_->withdraw();
        operation_.withdraw([this] { finish({}); });
    }

private:
    void looked_up(Result<catalogue::Entry> entry) {
        if (!entry) {
            exchange_.services_.log.error("catalogue", "{}: {}", path_, entry.error().detail);
            return finish(http::error_answer(entry.error()));
        }
        http::Reply reply = exchange_.open(route_, *entry)->respond(request_);
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
    const std::string path_;
    Route route_;
    std::move_only_function<void(http::Answer)> done_;
    loop::Operation operation_;
    http::Pending next_;
};

Exchange::Exchange(handlers::Services& services, SnapshotPtr snapshot, AccessLog::Writer* access_log)
    : services_(services),
      snapshot_(std::move(snapshot)),
      access_log_(access_log),
      not_allowed_(http::method_not_allowed(http::kAllow)),
      overloaded_(http::error_answer({.kind = ErrorKind::Overloaded, .code = "overloaded", .detail = "the work queue is full"})) {
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

void Exchange::set_snapshot(SnapshotPtr snapshot) {
    recent_.clear();
    services_.heads.clear();
    snapshot_ = std::move(snapshot);
}

http::Reply Exchange::handle(const http::Request& request) {
    refresh_clock();
    if (request.method != Method::Get && request.method != Method::Head && request.method != Method::Options) return not_allowed_;
    if (handlers::Resource* recent = recent_.find(request.authority, request.target, services_.loop.now())) {
        return recent->respond(request);
    }
    if (request.target == "*") return http::options_answer(request, http::MediaClass::Other);
    return look_up(request);
}

http::Reply Exchange::look_up(const http::Request& request) {
    if (request.target.size() > snapshot_->config->http1.request_line) {  // HTTP/1 sessions have refused it before
        services_.counters.limit_hit(http::LimitHit::RequestLine);
        return http::status_answer(414);
    }
    const Site* site = snapshot_->find(request.authority);
    if (!site) return http::status_answer(421);

    const TargetParts target = split_target(request.target);
    if (is_normal_path(target.path)) return follow(request, {snapshot_, *site, target.path, target.query});
    const Result<std::string> path = normalise_path(target.path);
    if (!path) return http::error_answer(path.error());
    return follow(request, {snapshot_, *site, *path, target.query});
}

http::Reply Exchange::follow(const http::Request& request, const Route& route) {
    catalogue::Catalogue& catalogue = *route.site.catalogue;
    const std::uint64_t changes = catalogue.changes();
    const auto found = catalogue.find(route.path, services_.loop.now());
    if (!found) {
        if (!services_.pool.full(loop::WorkPool::Lane::Now)) return std::make_unique<LookUp>(*this, request, route);
        services_.counters.limit_hit(http::LimitHit::WorkQueue);
        return overloaded_;
    }
    handlers::ResourcePtr resource;
    if (const auto* source = std::get_if<catalogue::SourcePtr>(&found->entry)) {
        resource = recent_.of_same_source(request.authority, request.target, **source);
    }
    if (!resource) resource = open(route, found->entry);
    recent_.remember(request.authority, request.target, resource, {&catalogue, changes, found->until});
    return resource->respond(request);
}

handlers::ResourcePtr Exchange::open(const Route& route, const catalogue::Entry& entry) {
    if (const auto* source = std::get_if<catalogue::SourcePtr>(&entry)) return open_source(route, *source);
    if (std::holds_alternative<catalogue::Directory>(entry)) {
        return std::make_shared<Fixed>(http::redirect_answer(301, std::string(route.path) + '/', route.query));
    }
    const config::Rule* rule = route.site.rule_for(route.path);
    const auto& absent = std::get<catalogue::Absent>(entry);
    const bool on_its_way = absent.fingerprinted || absent.being_written;
    return std::make_shared<Fixed>(http::status_answer(404, {.fingerprinted = on_its_way, .bypass = rule && rule->bypass}));
}

handlers::ResourcePtr Exchange::open_source(const Route& route, catalogue::SourcePtr source) {
    const handlers::Located located{
        .snapshot = route.snapshot, .site = &route.site, .rule = route.site.rule_for(route.path), .source = std::move(source)};
    for (const auto& handler : handlers_) {
        if (auto resource = handler->open(located, route.query)) return resource;
    }
    return std::make_shared<Fixed>(http::status_answer(404));
}

void Exchange::finished(const http::Request& request, const http::Outcome& outcome) {
    services_.counters.count(request, outcome);
    if (access_log_) access_log_->write(request, outcome, services_.counters);
}

}  // namespace selvage::server
