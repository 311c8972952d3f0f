#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace selvage::server {

// One connection to the server that is to be warmed. One thread at a time; blocks.
class WarmClient {
public:
    struct Answer {
        int status = 0;
        bool hit = false;      // it was there
        bool interim = false;  // a better one comes when it is asked for again
        std::uint64_t bytes = 0;
        std::chrono::seconds retry_after{0};
        std::string body;  // when it was asked for
    };
    enum class Body : std::uint8_t { Dropped, Kept };

    // `base`: "http://127.0.0.1:8080". The certificate of a loopback address is not looked at: it is the development one.
    explicit WarmClient(const std::string& base);
    ~WarmClient();
    WarmClient(const WarmClient&) = delete;
    WarmClient& operator=(const WarmClient&) = delete;

    // `target` as it goes on the wire. `host`: empty: that of the base.
    // Errors: OriginFailed when the server cannot be reached, TimedOut.
    Result<Answer> get(const std::string& target, const std::string& accept, const std::string& host, Body body = Body::Dropped);

private:
    struct Connection;
    std::unique_ptr<Connection> connection_;
    std::string base_;
};

}  // namespace selvage::server
