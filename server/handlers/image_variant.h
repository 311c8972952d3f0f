#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "base/digest.h"
#include "server/handlers/handler.h"
#include "server/handlers/image_course.h"
#include "server/representations/stored.h"
#include "server/representations/transform_cost.h"
#include "transforms/dialects/canonical.h"
#include "transforms/formats.h"
#include "transforms/negotiation.h"
#include "transforms/order.h"

namespace selvage::handlers {

// How long a client may reuse what it is sent.
enum class Life : std::uint8_t {
    Policy,   // as the table of static-delivery §1 and the rule say
    Interim,  // a minute: a better one is being made, or will be when it is asked for again
    Stale,    // not at all without asking: it is stale, and what is newer is being made
};

// What was last sent of a variant, and what was made of that object's metadata. The weak reference tells objects apart without
// keeping the bytes of one that the cache has let go.
struct LastSent {
    std::weak_ptr<const cache_store::Object> object;
    bool guarded = false;  // the file itself is sent instead
    bool interim = false;  // its life is
    std::string etag;
    HeadCache::Heads heads;

    bool is_of(const cache_store::ObjectPtr& other) const { return !object.owner_before(other) && !other.owner_before(object); }
};

// How often something is asked to be made in the background that does not come: after a second, then after twice as long each
// time. What fails for a lasting reason is not tried by every hit.
class Patience {
public:
    bool ends(SteadyTime now) {
        if (now < next_) return false;
        next_ = now + wait_;
        wait_ = std::min<std::chrono::seconds>(wait_ * 2, kMost);
        return true;
    }

private:
    static constexpr std::chrono::minutes kMost{10};
    SteadyTime next_{};
    std::chrono::seconds wait_{1};
};

// What a client that accepts certain formats gets of one source: of the file as it is, or as it was.
struct Variant {
    catalogue::SourcePtr source;
    transforms::AcceptedFormats accepted;
    transforms::Order order;  // for somebody who waits; with a target, its quality is what the URL's format has by default
    std::string recipe;
    Key128 key;
    std::uint64_t output_pixels = 0;    // an upper bound, of all frames
    std::chrono::microseconds fast{0};  // to make it with the least effort, without decoding
    bool above_avif = false;            // larger than an AVIF may be: another format instead
    bool improvable = false;            // what is made fast is made better in the background
    bool stands_in = false;             // for another format, while that is being made or too much waits

    LastSent fresh, stale;                                 // by Life
    std::unique_ptr<Variant> before;                       // of the source's predecessor; made when it is first asked for
    std::array<std::unique_ptr<Variant>, 2> other_format;  // for a client without AVIF, without WebP too; made like `before`
    SteadyTime refresh_asked{};                            // when it was last to be made anew, being stale
    Patience background;                                   // with what is to be made better

    LastSent& sent(Life life) { return life == Life::Stale ? stale : fresh; }
};

// The choice of format and quality, and what follows from it. `source` is an image.
Variant choose_variant(const Located& located, catalogue::SourcePtr source, const transforms::Plan& plan,
                       transforms::AcceptedFormats accepted, const representations::Images& images);

// What an order on the variant's source costs a worker.
representations::TransformCost cost_of(const Variant& variant, const transforms::Order& order);

// The constant fields of a variant. `facts`: of its object, or of the file that is sent instead.
struct ImageHeadFacts {
    const Located& located;
    const Variant& variant;
    const representations::Facts& facts;
    bool guarded = false;
    bool verified = false;       // `v=` names this content
    bool other_version = false;  // `v=` names another one
    Life life = Life::Policy;
    http::Verdict verdict = http::Verdict::Hit;
};
HeadCache::Heads build_image_heads(const ImageHeadFacts& facts);

// How it was served, the first word of X-Img (image-urls §1.6). Of those that are true, the one that says most.
std::string_view image_word(const ImageHeadFacts& facts);

// "ignored: utm_source, foo", for whoever wonders why a parameter does nothing; "" for no keys.
std::string image_notes(const std::vector<std::string>& ignored_keys);

}  // namespace selvage::handlers
