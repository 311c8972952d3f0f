#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/digest.h"

namespace selvage::cache_store {

// Which keys are being put, erased or refreshed: so that what is read from the disk meanwhile does not take the place of
// something newer in memory. Keys share counters; what that costs is a promotion.
class Changes {
    struct Slot {
        std::atomic<std::uint32_t> begun{0}, ended{0};
    };

public:
    using Count = std::optional<std::uint32_t>;

    class Mark {
    public:
        Mark(Changes& changes, const Key128& key) : slot_(changes.slot(key)) { ++slot_.begun; }
        ~Mark() { ++slot_.ended; }
        Mark(const Mark&) = delete;
        Mark& operator=(const Mark&) = delete;

    private:
        Slot& slot_;
    };

    // Nothing: one is under way.
    Count before(const Key128& key) {
        Slot& slot = this->slot(key);
        const std::uint32_t ended = slot.ended, begun = slot.begun;
        return begun == ended ? Count(begun) : std::nullopt;
    }

private:
    Slot& slot(const Key128& key) { return slots_[key.high % slots_.size()]; }
    std::array<Slot, 256> slots_;
};

}  // namespace selvage::cache_store
