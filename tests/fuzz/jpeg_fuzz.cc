// JPEG streams: taken apart within their bounds; what is left out for a shrunk result is left out whole; and libjpeg, given the
// pieces, comes back from whatever they are.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "transforms/engine/colour_profile.h"
#include "transforms/engine/decoders/jpeg_parts.h"
#include "transforms/engine/decoders/jpeg_reader.h"
#include "transforms/engine/decoders/jpeg_scans.h"
#include "transforms/engine/exif.h"

using namespace selvage::transforms;

namespace {

constexpr std::size_t kMostProfile = 1 << 20;  // protocol-and-limits §7
constexpr JDIMENSION kMostSide = 256;          // what is decoded here

void require(bool holds) {
    if (!holds) std::abort();
}

bool within(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void require_within(const JpegParts& parts, std::string_view bytes) {
    require(within(parts.head, bytes) && within(parts.exif, bytes) && parts.icc.size() <= kMostProfile);
    for (const JpegScan& scan : parts.scans) require(within(scan.tables, bytes) && within(scan.data, bytes));
}

bool decode(std::vector<std::string_view> pieces, double shrink) {
    JpegReader reader(std::move(pieces));
    if (!reader.read_header()) return false;
    auto& settings = reader.settings();
    if (settings.image_width > kMostSide || settings.image_height > kMostSide) return false;
    settings.scale_num = static_cast<unsigned>(scale_for(shrink).eighths);
    settings.scale_denom = 8;
    if (!reader.start()) return false;
    const std::size_t stride = std::size_t{settings.output_width} * static_cast<std::size_t>(settings.output_components);
    std::vector<JSAMPLE> pixels(stride * settings.output_height);
    return reader.read_rows(pixels.data(), stride, settings.output_height).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const JpegParts head = head_of(bytes);
    const JpegParts parts = parts_of(bytes);
    require_within(head, bytes);
    require_within(parts, bytes);
    const Exif exif = read_exif(parts.exif);
    require(exif.orientation >= 1 && exif.orientation <= 8);
    require(!is_srgb_profile(parts.icc) || !parts.icc.empty());
    if (parts.scans.empty() || parts.scans.size() > 100) return 0;
    for (const double shrink : {1.0, 3.0, 40.0}) {
        auto pieces = pieces_worth_decoding(parts, shrink);
        for (const std::string_view piece : pieces) require(piece.size() <= 2 || within(piece, bytes));
        decode(parts.progressive ? std::move(pieces) : std::vector{bytes}, shrink);
    }
    return 0;
}
