// What we read ourselves in the worker beside pixels: EXIF, ICC descriptions, SVG as text, the first bits of JPEG XL. Any bytes
// are read within their bounds, and what comes out is within its own.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transforms/engine/colour_profile.h"
#include "transforms/engine/drawing.h"
#include "transforms/engine/exif.h"
#include "transforms/jxl_header.h"

using namespace selvage::transforms;

namespace {

constexpr std::size_t kLongestText = 2 * 1000;  // ", " may stand for each NUL among 1,000 bytes

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Exif exif = read_exif(bytes);
    require(exif.orientation >= 1 && exif.orientation <= 8);
    require(exif.artist.size() <= kLongestText && exif.copyright.size() <= kLongestText);
    const std::string description = profile_description(bytes);
    require(description.size() <= size);
    require(!is_srgb_profile(bytes) || !description.empty());
    require(element_count(bytes) <= size);
    (void)needs_files(bytes);
    (void)read_jxl_header(bytes);
    return 0;
}
