#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "config/config.h"
#include "server/http/http2/bucket.h"
#include "server/http/session.h"

namespace selvage::http::h2 {

// What a client may send and what is of no use to it.
enum class Glitch : std::uint8_t {
    EmptyData,  // without END_STREAM
    PaddingOnly,
    EmptyHeaders,
    EmptyContinuation,
    Settings,  // after the first
    Ping,
    Priority,  // PRIORITY_UPDATE too
    TinyWindowUpdate,
    UnknownType,
    ClosedStream,
    GoAway,
    Oversized,  // a header section that is answered with 431
    kCount
};

// Of WINDOW_UPDATE, in bytes: from here on it is of use.
inline constexpr std::uint32_t kTinyWindowUpdate = 64;

// A connection's account of what its client does at our cost: when it is too much, the limit that says so. LimitHit::kCount: it
// is not. Each call is a few additions. Source: protocol-and-limits §2.
class Conduct {
public:
    explicit Conduct(const config::Http2& limits);

    LimitHit glitch(Glitch glitch, SteadyTime now);

    // An acknowledgement that we owe joins those that wait to be sent.
    LimitHit acknowledge() {
        return ++acknowledgements_ > limits_.acknowledgements ? LimitHit::Acknowledgements : LimitHit::kCount;
    }
    void acknowledged() { acknowledgements_ = 0; }  // they have all been sent

    // A stream begins that is not refused.
    void stream() {
        if (++streams_ < 2 * std::uint64_t{limits_.resets}) return;
        streams_ /= 2;  // so that the past fades
        early_ /= 2;
    }
    // A stream that lived for `age` was reset by the client, or by us for what it did wrong.
    LimitHit reset(SteadyTime::duration age, SteadyTime now);
    // A stream was refused because there are too many.
    LimitHit refuse(SteadyTime now);

private:
    const config::Http2& limits_;
    Bucket glitches_, resets_;
    std::uint64_t streams_ = 0;
    std::uint64_t early_ = 0;  // of them: reset within their first second
    SteadyTime refusing_since_{};
    unsigned refused_ = 0;  // since then
    unsigned acknowledgements_ = 0;
};

}  // namespace selvage::http::h2
