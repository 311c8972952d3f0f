#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access_log.h"
#include "server/handlers/handler.h"
#include "server/http/message.h"
#include "server/site.h"

namespace selvage::server {

// The way of a request through the house, on one loop: site → path → catalogue → rule → handler → answer → finish.
class Exchange final : public http::Dispatcher {
public:
    Exchange(handlers::Services& services, SnapshotPtr snapshot, AccessLog::Writer* access_log);

    http::Reply handle(const http::Request& request) override;
    void finished(const http::Request& request, const http::Outcome& outcome) override;
    std::string_view date() override;

    void set_snapshot(SnapshotPtr snapshot) { snapshot_ = std::move(snapshot); }  // requests that have begun keep theirs

private:
    class LookUp;

    http::Reply reply_to(const http::Request& request, std::string_view path, const SnapshotPtr& snapshot, const Site& site,
                         const catalogue::Entry& entry);
    http::Reply found(const http::Request& request, const SnapshotPtr& snapshot, const Site& site, std::string_view path,
                      catalogue::SourcePtr source);
    http::Reply stamped(http::Reply reply);
    void refresh_clock();

    handlers::Services& services_;
    SnapshotPtr snapshot_;
    AccessLog::Writer* access_log_;  // null: none
    std::vector<std::unique_ptr<handlers::Handler>> handlers_;
    std::string date_;
    SteadyTime next_second_{};  // when date_ and services_.now are out of date
};

}  // namespace selvage::server
