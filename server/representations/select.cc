#include "server/representations/select.h"

#include <algorithm>
#include <array>

namespace selvage::representations {

namespace {

using http::Available;
using transforms::Coding;

bool stored(std::uint64_t size) { return size != kUnknown && size != kNoGain; }

const catalogue::Sidecar* sidecar_of(const catalogue::Source& source, Coding coding) {
    for (const catalogue::Sidecar& sidecar : source.sidecars) {
        if (sidecar.coding == coding && sidecar.verified && sidecar.size < source.size) return &sidecar;
    }
    return nullptr;
}

constexpr std::uint64_t kTypicalRatio = 6;  // file : br-11, of 18 real assets

bool codable(const catalogue::Source& source) {
    return source.compressible && source.size >= http::kSmallestPrecomputed && source.size <= kLargestCoded;
}

}  // namespace

DeltaTerms delta_terms(const http::AcceptedCodings& accepted, const catalogue::Source& source, const CodedSizes& sizes) {
    DeltaTerms terms{.allowed = accepted.dcz != 0, .smallest_plain = ~std::uint64_t{0}, .estimated = false};
    std::uint16_t highest = accepted.weight(Coding::Identity);
    if (highest != 0) terms.smallest_plain = source.size;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const Coding coding = transforms::kCodings[i].coding;
        const auto* sidecar = sidecar_of(source, coding);
        if (!accepted.accepts(coding) || (!sidecar && !codable(source))) continue;
        highest = std::max(highest, accepted.weight(coding));
        if (!sidecar && sizes[i] == kNoGain) continue;
        const bool known = sidecar || stored(sizes[i]);
        terms.estimated |= !known;
        const std::uint64_t size = sidecar ? sidecar->size : known ? sizes[i] : source.size / kTypicalRatio;
        terms.smallest_plain = std::min(terms.smallest_plain, size);
    }
    if (highest > accepted.dcz) terms.allowed = false;
    return terms;
}

bool varies_by_coding(const catalogue::Source& source) { return source.compressible || !source.sidecars.empty(); }

CodingChoice select_coding(const http::AcceptedCodings& accepted, const catalogue::Source& source, const CodedSizes& sizes,
                           bool wants_range) {
    using Kind = CodingChoice::Kind;
    if (wants_range) return {Kind::Identity, Coding::Identity};

    std::array<Available, 1 + 2 * transforms::kCodings.size()> available;
    std::size_t count = 0;
    available[count++] = {Coding::Identity, source.size};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const Coding coding = transforms::kCodings[i].coding;
        if (const auto* sidecar = sidecar_of(source, coding)) {
            available[count++] = {coding, sidecar->size};
        } else if (stored(sizes[i])) {
            available[count++] = {coding, sizes[i]};
        }
    }
    const auto best = http::choose_coding(accepted, {available.data(), count});
    if (best && *best != Coding::Identity) return {sidecar_of(source, *best) ? Kind::Sidecar : Kind::Stored, *best};

    const auto wanted = http::coding_to_make(accepted);
    if (wanted && *wanted != Coding::Identity && codable(source)) {
        bool unknown = false;
        for (std::size_t i = 0; i < sizes.size(); ++i)
            unknown |= transforms::kCodings[i].coding == *wanted && sizes[i] == kUnknown;
        // Small ones wait for the background, unless the client takes nothing else.
        if (unknown && (source.size >= http::kSmallestOnTheFly || !best)) return {Kind::Make, *wanted};
    }
    return {best ? Kind::Identity : Kind::NotAcceptable, Coding::Identity};
}

std::string_view why_not_coded(const catalogue::Source& source) {
    if (!source.compressible) return "its type is compressed already, or does not get smaller";
    if (source.size < http::kSmallestPrecomputed) return "smaller than 256 bytes: never coded";
    if (source.size > kLargestCoded) return "larger than 64 MiB: never coded";
    return {};
}

std::string_view why(const CodingChoice& choice, const http::AcceptedCodings& accepted, const catalogue::Source& source,
                     bool wants_range) {
    using Kind = CodingChoice::Kind;
    switch (choice.kind) {
        case Kind::Sidecar:
            return "the smallest of what is there and the client accepts: a sidecar";
        case Kind::Stored:
            return "the smallest of what is stored and the client accepts";
        case Kind::Make:
            return "nothing that the client accepts is stored yet: it is made fast, for this request";
        case Kind::NotAcceptable:
            return "the client refuses the file as it is, and accepts no coding";
        case Kind::Identity:
            break;
    }
    if (wants_range) return "a range is one of the file as it is";
    if (const auto not_coded = why_not_coded(source); !not_coded.empty() && source.sidecars.empty()) return not_coded;
    const auto wanted = http::coding_to_make(accepted);
    if (!wanted || *wanted == Coding::Identity) return "the client accepts no coding, or prefers the file as it is";
    if (source.size < http::kSmallestOnTheFly) return "too small to be coded while a client waits: made in the background";
    return "no coding saves enough";
}

}  // namespace selvage::representations
