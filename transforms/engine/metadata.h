#pragma once

#include "transforms/engine/image.h"

namespace selvage::transforms {

// The same pixels without metadata, but for whose they are (EXIF Copyright and Artist) and how they move (frame height, delays,
// loop). Location, camera, comments, thumbnails, XMP, IPTC and the colour profile go: outputs are sRGB.
Result<Image> without_private_metadata(const Image& image);

// Does the image still say whose it is? If not, encoders write no metadata at all.
bool names_owner(const Image& image);

}  // namespace selvage::transforms
