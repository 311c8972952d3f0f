#include "server/net/pace.h"

#include <utility>

namespace selvage::net {

bool Pace::took(std::size_t bytes, std::size_t of) {
    // A flush that was not limited by us says nothing: a small answer fits anywhere. A session stops a frame below the limit.
    if (of >= kSlow / 2 && !fast_) taken_ += bytes;
    return taken_ >= kFast && become(true);
}

bool Pace::had_room_after(std::chrono::steady_clock::duration time) {
    const auto stall = kStall * static_cast<int>(flush() / kSlow);
    if (time < stall) return false;
    return become(false);
}

bool Pace::become(bool fast) {
    taken_ = 0;
    return std::exchange(fast_, fast) != fast;
}

}  // namespace selvage::net
