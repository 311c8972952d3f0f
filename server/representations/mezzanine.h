#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/digest.h"
#include "base/time.h"
#include "server/representations/recent_contents.h"
#include "transforms/order.h"
#include "transforms/plan.h"
#include "transforms/probe.h"

namespace selvage::representations {

// A mezzanine is an image that is made once of a source which is dear to decode, kept like a variant, and read in the source's
// place when other variants are made. Source: image-engine §4.

// A JPEG of at most 2048 px on its longer side, quality 92, whole chroma: about 1 MB. (A WebP loses up to seven points, §4.)
transforms::Order mezzanine_order();
Key128 mezzanine_key(const Sha256& content, std::string_view epoch);

std::uint64_t mezzanine_pixels(transforms::Original original);

// Is a source worth one: dear to decode, larger than a mezzanine, and without anything that a JPEG cannot hold?
bool deserves_mezzanine(const transforms::Probe& probe);

// Can what is ordered be made of the mezzanine without its being seen? It is still to be scaled down, to four fifths at most (a
// half for high qualities), and for an encoder that loses something itself. `original`: upright.
bool can_stand_in(transforms::Original original, const transforms::Order& order);
// The same of a source that may be stored lying on its side: false when neither way can.
bool may_stand_in(const transforms::Probe& probe, const transforms::Order& order);

// Which sources have had a variant made of them of late: the second one is when a mezzanine begins to pay. Lives on one loop;
// remembers 10,000 sources at most, for 5 to 10 minutes.
class MezzanineTiming {
public:
    // A variant was made of the source itself.
    void made(const Sha256& content, const Key128& variant, SteadyTime now);

    // A variant is about to be made of the source itself. True, once, when another one was finished before: those that are asked
    // for together share a decode anyway (transform_pool.h), and one that is made anew is no second one.
    bool due(const Sha256& content, const Key128& variant, SteadyTime now);

private:
    struct Seen {
        Key128 variant;  // the first
        bool asked = false;
    };
    RecentContents<Seen> seen_{10'000, std::chrono::minutes(5)};
};

}  // namespace selvage::representations
