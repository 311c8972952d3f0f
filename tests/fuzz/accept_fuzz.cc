// Accept fields: any bytes collapse to a set of formats, and the format chosen is always one that we can make.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transforms/negotiation.h"

using namespace selvage::transforms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Plan plan{.animated = (data[0] & 1) != 0, .auto_format = (data[0] & 2) != 0};
    const SourceFacts source{
        .format = static_cast<Format>(data[1] % kFormats.size()), .animated = (data[0] & 4) != 0, .alpha = (data[0] & 8) != 0};
    const auto accepted = parse_accept({reinterpret_cast<const char*>(data) + 2, size - 2});
    const AutoFormats automatic{.formats = {Format::Jxl, Format::Avif, Format::Webp}, .animated_avif = (data[0] & 16) != 0};
    const auto chosen = choose_format(plan, accepted, source, automatic);
    if (!row_of(chosen).can_save || effective_quality(plan, chosen, {}) > 100) std::abort();
    return 0;
}
