#pragma once

#include <string>

#include "base/result.h"
#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/image.h"

namespace selvage::transforms {

// An image that was encoded to look as good as asked, and how that was reached.
struct Encoded {
    std::string bytes;
    unsigned quality = 0;  // the encoder's own that was used; 0: the format has none
    double score = 0;      // SSIMULACRA2: measured, or estimated from a part; 0: not
};

// Encodes at the least quality with which the image scores `target` (SSIMULACRA2, 1…100) against the image. `guess`: the
// encoder's quality that served for another width of the same source; 0: nothing is known. `options.quality` is not read.
//
// At most three probes, of at most half a megapixel each; a good guess needs one. A larger picture made with ImageEffort::Best is
// measured whole, and encoded once more when that is off. A picture that cannot reach the target is as good as its encoder can
// make it. Formats without a quality (png, gif) are encoded as they are. Of several frames the first decides.
// Errors: the encoder's; Internal when a probe cannot be decoded.
// Source: image-urls §3 (q=auto), image-engine §5.
Result<Encoded> encode_to_target(const Encoder& encoder, const Image& image, EncodeOptions options, unsigned target,
                                 unsigned guess);

}  // namespace selvage::transforms
