#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace selvage::transforms {

// Dictionary-Compressed Zstandard: a content as its difference to another that the client has. Not a row of kCodings: it needs
// that other content.
//
//     dcz = 5e 2a 4d 18 20 00 00 00   a skippable frame of 32 bytes
//           SHA-256 of the dictionary
//           one Zstandard frame, with the dictionary as a prefix of raw content
//
// Source: RFC 9842 §5.
inline constexpr std::string_view kDczToken = "dcz";     // in Accept-Encoding and Content-Encoding
inline constexpr std::string_view kDczSuffix = "-dcz.";  // of entity tags, before 8 hex digits of the dictionary
inline constexpr std::size_t kDczHeader = 40;            // bytes before the frame

// Levels (static-delivery §5): while a client waits, and to choose the smallest result from when nobody does.
inline constexpr int kDczFast = 4;
inline constexpr std::array kDczBest = {9, 12, 19};

// The decoded bytes of an earlier response.
struct Dictionary {
    std::string_view bytes;
    Sha256 hash;
};

// Asked between the steps of a long encoding: false ends it.
using GoOn = std::function<bool()>;

// Verified: what is returned has been decoded and compared. The bytes are the same with and without `go_on`, but for those of
// contents above 128 KiB, which are then taken in steps. Errors: Internal; Cancelled when it may not go on.
Result<std::string> dcz_encode(std::string_view bytes, const Dictionary& dictionary, int level, const GoOn& go_on = {});

// Errors: Unprocessable for bytes that are not of this coding, or are of another dictionary, TooLarge when more than `limit`
// bytes would come out.
Result<std::string> dcz_decode(std::string_view bytes, const Dictionary& dictionary, std::size_t limit);

}  // namespace selvage::transforms
