#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/time.h"
#include "cache_store/freshness.h"
#include "cache_store/purge/tag.h"

namespace selvage::cache_store {

// A stored representation. Immutable, shared.
struct Object {
    std::string meta;  // the caller's own text (media type, entity tag, …), kept with the body and not interpreted here
    BlobPtr body;
    std::uint32_t cost_ms = 0;  // what it took to make, in milliseconds of CPU and fetch
    WallTime created;
    Lifetimes lifetimes = kForever;  // what is derived from bytes under the bytes' own hash never ages
    std::uint64_t birth = 0;         // Store::sequence() when the request began that it was made for
    std::vector<Tag> tags;  // by which it is purged, besides the tags of a request: of its source, of an origin's response
};
using ObjectPtr = std::shared_ptr<const Object>;

// The body, held by the object's count: the memory tier gives out a count per core (memory/front.h), the body's own is for all.
inline BlobPtr body_of(const ObjectPtr& object) { return {object, object->body.get()}; }

inline constexpr std::size_t kMostTags = 255;           // of one object
inline constexpr std::size_t kLargestMeta = 32U << 10;  // bytes

}  // namespace selvage::cache_store
