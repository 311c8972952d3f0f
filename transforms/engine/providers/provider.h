#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/image.h"

// Where those codecs come from whose age shows in the bytes. One folder per provider, and SELVAGE_CODECS says which of them is
// compiled:
//
//   debian/  Debian 12's libraries, each called directly
//   newer/   one library with libvips 8.18 and libaom from 3.12 on, which shows no other symbols than those of the former
//
// With both, JPEG and AVIF are read, and JPEG, WebP and animated AVIF written, by Debian's libraries: libwebp 1.6 writes the same
// bytes as 1.2 (54 pictures, methods 2 and 4). A provider also has have_heic() of decoders/decoder.h. A quality means the same
// score with each.

namespace selvage::transforms::provider {

// The class names of the libvips operations that the encoders below use, for the allow-list.
std::span<const char* const> operations();

// One frame. Errors: Internal.
Result<std::string> encode_still_avif(const Image& image, const EncodeOptions& options);

// Keeps what librsvg is made of from reading files while it draws, as far as that can be done: it has no fonts after this. Once,
// after vips_init().
void prepare_drawing_libraries();

}  // namespace selvage::transforms::provider
