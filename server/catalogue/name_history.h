#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/digest.h"

namespace selvage::catalogue {

// The safety net of fingerprinted names (static-delivery §2): remembers which content a name had, and no longer trusts one that
// changed. Bounded: when full it starts anew, but keeps what it distrusts. Thread-safe.
class NameHistory {
public:
    explicit NameHistory(std::size_t most) : most_(most) {}

    enum class Verdict : std::uint8_t { Trusted, JustDemoted, Demoted };
    Verdict judge(std::string_view path, const Sha256& content);

    std::uint64_t demoted() const;

private:
    struct Known {
        std::uint64_t content;
        bool demoted;
    };
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Known> names_;  // by hash: a collision demotes without need, and never trusts wrongly
    std::uint64_t demoted_ = 0;
};

}  // namespace selvage::catalogue
