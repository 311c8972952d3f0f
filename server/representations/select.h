#pragma once

#include <array>
#include <cstdint>

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

// Does the choice above depend on Accept-Encoding? Then the response says Vary.
bool varies_by_coding(const catalogue::Source& source);

}  // namespace selvage::representations
