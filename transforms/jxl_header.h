#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::transforms {

// What the first bits of a JPEG XL codestream say: claims of the file, read within its bounds. Zeros where it ends too early.
struct JxlHeader {
    std::uint32_t width = 0, height = 0;  // as stored, before orientation
    bool animated = false;
    bool alpha = false;  // the first extra channel is one
};

// From the codestream on ("\xFF\x0A"), without its container.
//
// Fields of bits, the least significant first; a U32 is a selector of two bits and one of four ranges.
//   codestream := FF 0A size metadata …
//   size       := small(1) height ratio(3) [width if ratio = 0]      height, width: (bits(5)+1)·8 if small, else U32+1
//   metadata   := all_default(1) [extra_fields(1) … bit_depth … extra channels …]
// Source: ISO/IEC 18181-1 Annex A (headers); libjxl 0.7 lib/jxl/headers.cc and image_metadata.cc, which agree.
JxlHeader read_jxl_header(std::string_view codestream);

}  // namespace selvage::transforms
