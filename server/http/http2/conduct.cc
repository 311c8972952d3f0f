#include "server/http/http2/conduct.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace selvage::http::h2 {

namespace {

constexpr auto kEarly = std::chrono::seconds(1);
constexpr auto kRefusals = std::chrono::seconds(10);

unsigned cost_of(Glitch glitch) {
    using enum Glitch;
    static constexpr std::pair<Glitch, unsigned> kCosts[] = {
        {EmptyData, 5}, {PaddingOnly, 2},      {EmptyHeaders, 5}, {EmptyContinuation, 5}, {Settings, 5}, {Ping, 1},
        {Priority, 1},  {TinyWindowUpdate, 1}, {UnknownType, 1},  {ClosedStream, 2},      {GoAway, 10},  {Oversized, 50},
    };
    static_assert(std::size(kCosts) == static_cast<std::size_t>(kCount));
    static_assert(std::ranges::is_sorted(kCosts, {}, &std::pair<Glitch, unsigned>::first));
    return kCosts[static_cast<std::size_t>(glitch)].second;
}

}  // namespace

Conduct::Conduct(const config::Http2& limits)
    : limits_(limits), glitches_(limits.glitches, limits.glitches_per_second), resets_(limits.resets, limits.resets_per_second) {}

LimitHit Conduct::glitch(Glitch glitch, SteadyTime now) {
    return glitches_.take(cost_of(glitch), now) ? LimitHit::kCount : LimitHit::Glitches;
}

LimitHit Conduct::reset(SteadyTime::duration age, SteadyTime now) {
    if (!resets_.take(1, now)) return LimitHit::Resets;
    if (age >= kEarly) return LimitHit::kCount;
    ++early_;
    // A browser that leaves a page full of images resets that many at once: the bucket is for it, the share for who goes on so.
    const bool enough = streams_ > limits_.resets;
    return enough && early_ * 100 > streams_ * limits_.early_resets ? LimitHit::EarlyResets : LimitHit::kCount;
}

LimitHit Conduct::refuse(SteadyTime now) {
    if (now - refusing_since_ > kRefusals) {
        refusing_since_ = now;
        refused_ = 0;
    }
    return ++refused_ > limits_.refused ? LimitHit::RefusedStreams : LimitHit::kCount;
}

}  // namespace selvage::http::h2
