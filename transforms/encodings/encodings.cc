#include "transforms/encodings/encodings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "transforms/encodings/codecs.h"

namespace selvage::transforms {
namespace {

// To be raised when levels, windows or other parameters of the encoders change.
constexpr std::string_view kParametersEpoch = "1";
constexpr std::string_view kDczEpoch = "1";  // of dcz.cc

const std::string kEpoch = fmt::format("{};dcz {};zlib {};brotli {};zstd {}", kParametersEpoch, kDczEpoch, gzip_version(),
                                       brotli_version(), zstd_version());

}  // namespace

const std::array<CodingRow, 3> kCodings = {{
    // coding, token, suffix, extension, encode, decode, begin
    {Coding::Zstd, "zstd", "-zstd", ".zst", zstd_encode, zstd_decode, zstd_begin},
    {Coding::Brotli, "br", "-br", ".br", brotli_encode, brotli_decode, brotli_begin},
    {Coding::Gzip, "gzip", "-gz", ".gz", gzip_encode, gzip_decode, gzip_begin},
}};

const CodingRow& row_of(Coding coding) {
    const auto* row = std::ranges::find(kCodings, coding, &CodingRow::coding);
    if (row == kCodings.end()) std::abort();  // Identity has no row: a mistake in our own code
    return *row;
}

const std::string_view kEncodingsEpoch = kEpoch;

}  // namespace selvage::transforms
