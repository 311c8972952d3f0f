#pragma once

#include <memory>
#include <string>

#include "base/digest.h"
#include "server/handlers/handler.h"
#include "server/representations/stored.h"
#include "transforms/dialects/canonical.h"
#include "transforms/formats.h"
#include "transforms/negotiation.h"

namespace selvage::handlers {

// How long a client may reuse what it is sent.
enum class Life : std::uint8_t {
    Policy,  // as the table of static-delivery §1 and the rule say
    Short,   // not at all without asking: it is stale, and what is newer is being made
};

// What was last sent of a variant, and what was made of that object's metadata. The weak reference tells objects apart without
// keeping the bytes of one that the cache has let go.
struct LastSent {
    std::weak_ptr<const cache_store::Object> object;
    bool guarded = false;  // the file itself is sent instead
    std::string etag;
    HeadCache::Heads heads;

    bool is_of(const cache_store::ObjectPtr& other) const { return !object.owner_before(other) && !other.owner_before(object); }
};

// What a client that accepts certain formats gets of one source: of the file as it is, or as it was.
struct Variant {
    catalogue::SourcePtr source;
    transforms::AcceptedFormats accepted;
    transforms::Format format = transforms::Format::Jpeg;
    unsigned quality = 0;
    std::string recipe;
    Key128 key;
    std::uint64_t output_pixels = 0;  // an upper bound

    LastSent fresh, stale;            // by Life
    std::unique_ptr<Variant> before;  // of the source's predecessor; made when it is first asked for
    SteadyTime refresh_asked{};       // when it was last to be made in the background

    LastSent& sent(Life life) { return life == Life::Policy ? fresh : stale; }
};

// The choice of format and quality, and what follows from it. `source` is an image.
Variant choose_variant(const Located& located, catalogue::SourcePtr source, const transforms::Plan& plan,
                       transforms::AcceptedFormats accepted, const representations::Images& images);

// The constant fields of a variant. `facts`: of its object, or of the file that is sent instead.
struct ImageHeadFacts {
    const Located& located;
    const transforms::Plan& plan;
    const Variant& variant;
    const representations::Facts& facts;
    bool guarded = false;
    bool verified = false;       // `v=` names this content
    bool other_version = false;  // `v=` names another one
    Life life = Life::Policy;
};
HeadCache::Heads build_image_heads(const ImageHeadFacts& facts);

// "ignored: utm_source, foo", for whoever wonders why a parameter does nothing; "" for no keys.
std::string image_notes(const std::vector<std::string>& ignored_keys);

}  // namespace selvage::handlers
