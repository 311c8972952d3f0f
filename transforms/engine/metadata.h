#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transforms/engine/image.h"

namespace selvage::transforms {

// The same pixels without metadata, but for whose they are (EXIF Copyright and Artist) and how they move (frame height, delays,
// loop). Location, camera, comments, thumbnails, XMP, IPTC and the colour profile go: outputs are sRGB.
Result<Image> without_private_metadata(const Image& image);

// Of an image that went through without_private_metadata:

// Does it still say whose it is? If not, encoders write no metadata at all.
bool names_owner(const Image& image);

// Whose it is, as EXIF data for a file: a TIFF with one directory that has Artist and Copyright; empty when it does not say.
//
//   exif  := "II*" NUL 8(4) directory value*       numbers are little endian
//   directory := count(2) field* 0(4)              fields in ascending order of their tags
//   field := tag(2) 2(2) length(4) (offset(4) | value, padded to 4)   2: ASCII; the length counts the final NUL
// Source: CIPA DC-008 (Exif 2.32) §4.5, §4.6.2.
std::string owner_exif(const Image& image);

// How long each of `frames` is shown, in milliseconds. What is missing or too short to be meant is 100, as in browsers.
std::vector<std::uint32_t> frame_durations(const Image& image, std::size_t frames);

// How often an animation is shown; 0: for ever, which is also what an image without such a field asks for.
std::uint32_t repetitions(const Image& image);

}  // namespace selvage::transforms
