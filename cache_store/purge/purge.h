#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cache_store/purge/tag.h"

namespace selvage::cache_store {

// One purge, as it is asked for: all that any of the tags or globs names, or everything.
struct Purge {
    enum class Effect : std::uint8_t {
        Hard,  // gone
        Soft,  // stale: used while it is made anew
    } effect = Effect::Hard;
    bool everything = false;
    std::vector<Tag> tags;
    std::vector<std::string> globs;  // over "SITE/normalised/path", by base/url.h's glob_match
};

// The newest purges that concern somebody. What was born before them is gone for him, or stale.
//
// Births and purges are numbered by one sequence: a purge takes the next number, and a birth is the number of the last purge
// before the request began that it was made for. So a purge during a fill wins.
struct Floor {
    std::uint64_t gone = 0;   // the number of the newest hard purge
    std::uint64_t stale = 0;  // of the newest soft one

    bool drops(std::uint64_t birth) const { return birth < gone; }
    bool makes_stale(std::uint64_t birth) const { return birth < stale; }
    friend bool operator==(const Floor&, const Floor&) = default;
};
inline Floor newest(Floor left, Floor right) {
    return {left.gone > right.gone ? left.gone : right.gone, left.stale > right.stale ? left.stale : right.stale};
}

}  // namespace selvage::cache_store
