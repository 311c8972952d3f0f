#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/admin/purge_request.h"
#include "server/http/counters.h"
#include "server/http/message.h"

namespace selvage::admin {

// What POST /reload reports: `mistakes` is empty when the new configuration is in force.
struct ReloadOutcome {
    std::vector<std::string> mistakes;
    std::vector<std::string> needs_restart;  // options that differ and are not applied yet
    std::uint64_t generation = 0;            // in force now
};

// What POST /upgrade reports.
struct UpgradeOutcome {
    enum class Verdict : std::uint8_t {
        Done,     // `process` serves now, and this one drains
        Failed,   // the new program did not start: this one goes on
        Refused,  // not now: an upgrade is under way, or this process drains
    } verdict = Verdict::Done;
    int process = 0;
    std::string reason;
};

// What the admin listener can ask of the program; called on the control loop.
class Operations {
public:
    virtual ~Operations() = default;
    virtual std::string metrics() = 0;
    virtual bool ready() = 0;
    virtual void reload(std::function<void(ReloadOutcome)> done) = 0;
    virtual void upgrade(std::function<void(UpgradeOutcome)> done) = 0;
    // `by`: the client's address, for the log. `done` is called when the purge is durable, or with why it is not: Unprocessable
    // when the request itself is wrong, and the detail is then for the client.
    virtual void purge(PurgeRequest request, std::string by, std::function<void(Result<PurgeOutcome>)> done) = 0;
};

// Answers of the admin listener: /healthz, /readyz, /metrics, POST /reload, POST /upgrade, POST /purge.
class AdminDispatcher final : public http::Dispatcher {
public:
    explicit AdminDispatcher(Operations& operations);

    http::Reply handle(const http::Request& request) override;
    std::uint64_t takes_body(const http::Request& request) override;
    void finished(const http::Request&, const http::Outcome&) override {}  // scrapes are no traffic
    std::string_view date() override;

private:
    Operations& operations_;
    std::string date_;
};

}  // namespace selvage::admin
