#pragma once

#include <string>
#include <string_view>

namespace selvage::transforms {

// A WebP file without its EXIF and XMP chunks, and without the extended header when nothing needs it any more.
//
// libvips 8.14 writes an EXIF chunk of its own making into every WebP, asked to strip or not: 200 bytes, more than a placeholder.
// A file that does not parse comes back as it is.
//
//   file  := "RIFF" size "WEBP" chunk*          size: of what follows it
//   chunk := name(4) size(4, little endian) payload, padded to even
//   VP8X  := flags(1) reserved(3) width-1(3) height-1(3)
// Source: WebP container specification, RFC 9649 §2.
std::string without_webp_metadata(std::string_view webp);

}  // namespace selvage::transforms
