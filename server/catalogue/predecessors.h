#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/digest.h"
#include "base/time.h"
#include "server/catalogue/catalogue.h"
#include "transforms/probe.h"

namespace selvage::catalogue {

// What images had under their paths before they changed: one step back, in memory only, bounded; when it is full it starts anew.
// Thread-safe.
//
// A file that is written over is seen in states that nobody meant to publish: empty, half. So what is no image, or was there for
// less than kBeingWritten, does not count: what was before it stays the predecessor.
class Predecessors {
public:
    explicit Predecessors(std::size_t most) : most_(most) {}

    static constexpr std::chrono::seconds kBeingWritten{2};

    // The path has this content now. What it had before; null: nothing that is known.
    PredecessorPtr succeed(const Source& source, SteadyTime now);

    // The path is gone: what comes under it later succeeds nobody.
    void forget(std::string_view path);

    std::size_t size() const;

private:
    struct Known {
        Sha256 content;
        std::uint64_t size = 0;
        WallTime modified;
        std::optional<transforms::Probe> image;
        SteadyTime since;
        PredecessorPtr before;
    };
    static Known known_of(const Source& source, SteadyTime now);
    static PredecessorPtr retire(const Known& known, const std::string& path, SteadyTime now);

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Known> known_;  // by a hash of the path; a collision looks like a change
};

}  // namespace selvage::catalogue
