#include "server/representations/select.h"

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

bool codable(const catalogue::Source& source) {
    return source.compressible && source.size >= http::kSmallestPrecomputed && source.size <= kLargestCoded;
}

}  // namespace

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

}  // namespace selvage::representations
