#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace selvage::admin {

struct Response {
    std::uint16_t status = 0;
    std::string body;
};

// Asks the admin listener of a running server; for the commands. `body`: JSON, or none. Blocks.
// Errors: OriginFailed when it cannot be reached, TimedOut when it does not answer in time.
Result<Response> post(const config::Endpoint& admin, const std::string& path, std::chrono::seconds patience,
                      const std::string& body = {});

}  // namespace selvage::admin
