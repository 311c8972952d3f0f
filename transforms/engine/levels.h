#pragma once

#include <optional>
#include <span>
#include <vector>

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"
#include "transforms/engine/source.h"

namespace selvage::transforms {

// The first frame of one source in every size that was made of it so far, from which the next ones are made: it is decoded once,
// for the largest of them, and what is small is made of something small (image-engine §4).
class Levels {
public:
    // Where a pipeline begins: pixels as they are stored, or upright in sRGB already.
    struct Start {
        Image pixels;
        Extent covered;
        int orientation;  // that is left to be undone
    };

    // `sizes`: all that will be asked for, upright. `source` must outlive this.
    Levels(const Source& source, std::span<const Size> sizes);

    // Decodes at the first call. An error stays: what cannot be decoded is not tried again. Of a single size nothing is kept.
    // Errors: Unprocessable "undecodable".
    Result<Start> start_for(Size scaled);

    // A result on its way, upright and in sRGB, in memory: others may begin with it.
    void keep(const Image& upright);

private:
    Result<Start> decode() const;

    const Source& source_;
    std::size_t uses_;
    Size largest_;
    double shrink_;
    std::optional<Result<Start>> decoded_;
    std::vector<Image> made_;
};

}  // namespace selvage::transforms
