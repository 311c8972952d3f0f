#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/access_log.h"
#include "server/handlers/handler.h"
#include "server/http/message.h"
#include "server/recent_resources.h"
#include "server/site.h"

namespace selvage::server {

// The way of a request through the house, on one loop: recent resource, or site → path → catalogue → rule → handler → resource;
// then its answer.
class Exchange final : public http::Dispatcher {
public:
    Exchange(handlers::Services& services, SnapshotPtr snapshot, AccessLog::Writer* access_log);

    http::Reply handle(const http::Request& request) override;
    void finished(const http::Request& request, const http::Outcome& outcome) override;
    std::string_view date() override;

    void set_snapshot(SnapshotPtr snapshot);                     // requests that have begun keep theirs
    void tick() { recent_.forget_stale(services_.loop.now()); }  // each second

private:
    class LookUp;
    // Where a request leads under a configuration. Of one call, as its path and query are the request's.
    struct Route {
        SnapshotPtr snapshot;  // keeps the site
        const Site& site;
        std::string_view path;   // normalised
        std::string_view query;  // raw
    };

    http::Reply look_up(const http::Request& request);
    http::Reply follow(const http::Request& request, const Route& route);
    handlers::ResourcePtr open(const Route& route, const catalogue::Entry& entry);
    handlers::ResourcePtr open_source(const Route& route, catalogue::SourcePtr source);
    void refresh_clock();

    handlers::Services& services_;
    SnapshotPtr snapshot_;
    AccessLog::Writer* access_log_;  // null: none
    std::vector<std::unique_ptr<handlers::Handler>> handlers_;
    RecentResources recent_;
    const http::Answer not_allowed_, overloaded_;  // made once: a flood of them must be cheap
    std::string date_;
    SteadyTime next_second_{};  // when date_ and services_.now are out of date
};

}  // namespace selvage::server
