#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "server/catalogue/catalogue.h"
#include "server/http/content_coding.h"

namespace selvage::representations {

// What is known of each coding of a content, indexed like transforms::kCodings: bytes of the stored one, or one of the two marks.
using CodedSizes = std::array<std::uint64_t, transforms::kCodings.size()>;
inline constexpr std::uint64_t kUnknown = 0;
inline constexpr std::uint64_t kNoGain = ~std::uint64_t{0};

// Larger contents are sent as they are: zstd-3 would keep a client waiting for a quarter of a second.
inline constexpr std::uint64_t kLargestCoded = 64ULL << 20;

struct CodingChoice {
    enum class Kind : std::uint8_t {
        Identity,       // the file's own bytes
        Sidecar,        // a file beside it
        Stored,         // made earlier, in the best quality
        Make,           // made for this request, fast
        NotAcceptable,  // identity is refused and nothing else is to be had: 406
    };
    Kind kind = Kind::Identity;
    transforms::Coding coding = transforms::Coding::Identity;
};

// The representation of a file for a client. A pure function; all negotiation of codings is here.
//
// A range is always one of the identity (static-delivery §4), so is anything that is not worth coding.
CodingChoice select_coding(const http::AcceptedCodings& accepted, const catalogue::Source& source, const CodedSizes& sizes,
                           bool wants_range);

// What a difference to a dictionary of the client's (dcz) has to beat.
struct DeltaTerms {
    bool allowed = false;              // the client ranks nothing else above it
    std::uint64_t smallest_plain = 0;  // bytes of the smallest representation without dictionary that it accepts
    bool estimated = false;            // as not all of them have been made
    bool pays(std::uint64_t size) const { return allowed && size < smallest_plain - smallest_plain / 10; }  // static-delivery §5
};
// Of a client that wants no range. Where a coding has not been made yet, a sixth of the file is taken for its size, as br-11 has
// (static-delivery §4); where the client takes nothing but dcz, any difference pays. A pure function.
DeltaTerms delta_terms(const http::AcceptedCodings& accepted, const catalogue::Source& source, const CodedSizes& sizes);

// Does the choice above depend on Accept-Encoding? Then the response says Vary.
bool varies_by_coding(const catalogue::Source& source);

// For people: why the choice above was made; why there is no coding of a file at all (empty: there is, or will be).
std::string_view why(const CodingChoice& choice, const http::AcceptedCodings& accepted, const catalogue::Source& source,
                     bool wants_range);
std::string_view why_not_coded(const catalogue::Source& source);

}  // namespace selvage::representations
