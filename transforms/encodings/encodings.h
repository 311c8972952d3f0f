#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "transforms/encodings/encoder.h"

namespace selvage::transforms {

enum class Coding : std::uint8_t { Identity, Gzip, Brotli, Zstd };

enum class Effort : std::uint8_t {
    First,       // a client waits: zstd-9 below 2 MB else zstd-3, br-5, gzip-6
    Background,  // nobody waits, but large ones are to be there soon: as Best; above 8 MB br-9, zstd-16
    Best,        // br-11, zstd-19, gzip-9
};

struct CodingRow {
    Coding coding;
    std::string_view token;      // in Accept-Encoding and Content-Encoding: "br"
    std::string_view suffix;     // of entity tags: "-br"
    std::string_view extension;  // of sidecars: ".br"
    Result<std::string> (*encode)(std::string_view bytes, Effort effort);
    // Errors: Unprocessable for bytes that are not of this coding, TooLarge when more than `limit` bytes come out.
    Result<std::string> (*decode)(std::string_view bytes, std::size_t limit);
    // For exactly `size` bytes. Errors: Internal.
    Result<std::unique_ptr<Encoder>> (*begin)(std::uint64_t size, Effort effort, CodedSink sink);
};

// Server preference for ties: zstd, br, gzip. Identity is not a row.
extern const std::array<CodingRow, 3> kCodings;
const CodingRow& row_of(Coding coding);  // not Identity

// Changes when the same input and effort may give other bytes: part of every key.
extern const std::string_view kEncodingsEpoch;

}  // namespace selvage::transforms
