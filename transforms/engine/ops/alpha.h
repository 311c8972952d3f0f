#pragma once

#include "transforms/engine/image.h"

namespace selvage::transforms {

// Runs an operation that mixes neighbouring pixels (resize, blur) with colours weighted by their alpha, so that the invisible
// colour of a transparent pixel does not shine into its neighbours.
//
// The weighted image goes back to the depth of the input: the operation keeps its fast path for bytes, and what is lost belongs
// to pixels that are nearly invisible.
template <typename Operation>
Result<Image> with_weighted_colours(const Image& image, Operation&& operation) {
    if (!image.has_alpha()) return operation(image);
    const auto depth = image.depth();
    const auto at_depth = [depth](const Image& in) {
        return made("cast", [&](VipsImage** out) { return vips_cast(in.get(), out, depth, nullptr); });
    };
    const Image weighted = TRY(made("premultiply", [&](VipsImage** out) { return vips_premultiply(image.get(), out, nullptr); }));
    const Image narrow = TRY(at_depth(weighted));
    const Image mixed = TRY(operation(narrow));
    const Image plain =
        TRY(made("unpremultiply", [&](VipsImage** out) { return vips_unpremultiply(mixed.get(), out, nullptr); }));
    return at_depth(plain);
}

}  // namespace selvage::transforms
