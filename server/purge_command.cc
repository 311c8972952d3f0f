#include "server/purge_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <string>

#include "server/admin/client.h"

namespace selvage::server {

namespace {

// A disk that stalls is given its time: the answer comes when the purge is durable.
constexpr auto kPatience = std::chrono::seconds(60);

int failed(const std::string& why) {
    std::fprintf(stderr, "selvage: %s\n", why.c_str());
    return 1;
}

}  // namespace

int run_purge_command(const std::optional<config::Endpoint>& admin, const admin::PurgeRequest& request) {
    if (!admin) return failed("name a server: --admin, or --config with server.admin");
    const std::string asked = to_json(request);
    if (asked.size() > admin::kLargestPurgeBody) return failed("that is too much for one purge: use several");
    const auto answer = admin::post(*admin, "/purge", kPatience, asked);
    if (!answer) return failed(answer.error().detail);
    const auto body = nlohmann::json::parse(answer->body, nullptr, false);
    if (answer->status == 200 && body.is_object()) {
        std::printf("purged: sequence %llu\n", static_cast<unsigned long long>(body.value("sequence", std::uint64_t{0})));
        return 0;
    }
    return failed("not purged: " + (body.is_object() ? body.value("reason", "no reason was given")
                                                     : fmt::format("the answer was {}", answer->status)));
}

}  // namespace selvage::server
