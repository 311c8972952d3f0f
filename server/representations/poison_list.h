#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <unordered_map>

#include "base/digest.h"
#include "base/time.h"

namespace selvage::representations {

// Sources that were with workers when these crashed or were out of time, by content. In memory alone: whoever restarts the server
// may want another try.
class PoisonList {
public:
    static constexpr unsigned kToRefuse = 2;          // once may be another's fault: a kill, a machine without memory
    static constexpr std::chrono::hours kRefusal{1};  // protocol-and-limits §7; after as long a first crash is forgotten

    // Of more than `most` sources the ones are forgotten whose last crash is longest ago.
    explicit PoisonList(std::size_t most = 10'000) : most_(most) {}

    bool refuses(const Sha256& content, SteadyTime now) const;

    // True: from now on it is refused, which it was not before.
    bool crashed(const Sha256& content, SteadyTime now);

    std::size_t size() const { return entries_.size(); }

private:
    struct Crashes {
        Sha256 content;
        unsigned count = 0;
        SteadyTime last;
    };
    using Entries = std::list<Crashes>;

    std::size_t most_;
    Entries entries_;  // the latest first
    std::unordered_map<Sha256, Entries::iterator> places_;
};

}  // namespace selvage::representations
