#pragma once

// The functions behind the table of encodings.h, each in the file of its coding. Nothing else includes this.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "transforms/encodings/encodings.h"

namespace selvage::transforms {

// Where "small" ends for each effort (static-delivery §4).
inline constexpr std::size_t kSmallForFirst = 2'000'000;
inline constexpr std::size_t kSmallForBackground = 8'000'000;

inline constexpr std::size_t kEncoderStep = 64 * 1024;  // what an Encoder hands to its sink at most

Result<std::string> gzip_encode(std::string_view bytes, Effort effort);
Result<std::string> gzip_decode(std::string_view bytes, std::size_t limit);
Result<std::unique_ptr<Encoder>> gzip_begin(std::uint64_t size, Effort effort, CodedSink sink);
std::string gzip_version();

Result<std::string> brotli_encode(std::string_view bytes, Effort effort);
Result<std::string> brotli_decode(std::string_view bytes, std::size_t limit);
Result<std::unique_ptr<Encoder>> brotli_begin(std::uint64_t size, Effort effort, CodedSink sink);
std::string brotli_version();

Result<std::string> zstd_encode(std::string_view bytes, Effort effort);
Result<std::string> zstd_decode(std::string_view bytes, std::size_t limit);
Result<std::unique_ptr<Encoder>> zstd_begin(std::uint64_t size, Effort effort, CodedSink sink);
std::string zstd_version();

}  // namespace selvage::transforms
