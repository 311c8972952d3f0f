#include "transforms/engine/animation.h"

#include <vector>

#include "transforms/engine/pipeline.h"

namespace selvage::transforms {
namespace {

Result<Image> frame_of(const Image& strip, Size size, std::uint32_t number) {
    return made("frame", [&](VipsImage** out) {
        return vips_extract_area(strip.get(), out, 0, static_cast<int>(number * size.height), static_cast<int>(size.width),
                                 static_cast<int>(size.height), nullptr);
    });
}

Result<Image> joined(const std::vector<Image>& frames) {
    std::vector<VipsImage*> images;
    images.reserve(frames.size());
    for (const Image& frame : frames) images.push_back(frame.get());
    const Image column = TRY(made("join", [&](VipsImage** out) {
        return vips_arrayjoin(images.data(), out, static_cast<int>(images.size()), "across", 1, nullptr);
    }));
    Image strip = TRY(with_own_metadata(column));
    vips_image_set_int(strip.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(frames.front().height()));
    vips_image_set_int(strip.get(), VIPS_META_N_PAGES, static_cast<int>(frames.size()));
    return strip;
}

}  // namespace

Result<Image> carry_out_all(const Source& source, Scene& scene) {
    const Image strip = TRY(source.strip());
    scene.covered = whole_extent(source.stored());
    std::vector<Image> frames;
    for (std::uint32_t number = 0; number < source.frames(); ++number) {
        const Image stored = TRY(frame_of(strip, source.stored(), number));
        frames.push_back(TRY(carry_out(stored, scene)));
    }
    return joined(frames);
}

}  // namespace selvage::transforms
