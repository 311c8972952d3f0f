#pragma once

#include <vips/vips.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace selvage::transforms {

// One reference to a libvips image: a description of pixels that are computed when somebody reads them, or pixels in memory.
// Copying shares. Images are not changed after they are made, except for metadata through with_own_metadata().
class Image {
public:
    explicit Image(VipsImage* adopted) : image_(adopted) {}
    Image(const Image& other) : image_(other.image_) { g_object_ref(image_); }
    Image(Image&& other) noexcept : image_(std::exchange(other.image_, nullptr)) {}
    Image& operator=(Image other) noexcept {
        std::swap(image_, other.image_);
        return *this;
    }
    ~Image() {
        if (image_ != nullptr) g_object_unref(image_);
    }

    VipsImage* get() const { return image_; }  // the name that unique_ptr uses
    std::uint32_t width() const { return static_cast<std::uint32_t>(image_->Xsize); }
    std::uint32_t height() const { return static_cast<std::uint32_t>(image_->Ysize); }
    int bands() const { return image_->Bands; }
    VipsBandFormat depth() const { return image_->BandFmt; }
    bool has_alpha() const { return vips_image_hasalpha(image_) != 0; }

private:
    VipsImage* image_;
};

// What libvips says went wrong since the last call, shortened, with its buffer cleared.
std::string library_message();

// A failure of an operation on pixels that are already decoded: ours, not the source's.
std::unexpected<Error> operation_failure(std::string_view operation);

// A failure while reading a source: it is broken, or not what its first bytes say. Unprocessable, code "undecodable".
std::unexpected<Error> source_failure();

// The image that a libvips call writes to the pointer it is given, wrapped at its birth:
//   made("flip", [&](VipsImage** out) { return vips_flip(image.get(), out, VIPS_DIRECTION_HORIZONTAL, nullptr); })
template <typename Call>
Result<Image> made(std::string_view operation, Call&& call) {
    VipsImage* out = nullptr;
    if (call(&out) != 0) return operation_failure(operation);
    return Image(out);
}

// The same pixels with metadata that may be changed without changing the original's.
Result<Image> with_own_metadata(const Image& image);

// The image's pixels in memory, computed now in one pass from top to bottom, after which any order of reading is possible.
// A no-op for pixels that are in memory already. Errors: Internal.
Result<Image> in_memory(const Image& image);

// The same pixels for operations of libvips that ask for a row again that they have just had, which not every image that is
// decoded while it is read can give. A no-op for pixels that are in memory. Errors: Internal.
Result<Image> readable_again(const Image& image);

// Pixels in memory, not yet written, of `bands` bytes each. Errors: Internal.
Result<Image> blank(int width, int height, int bands, VipsInterpretation meaning);

// Pixels in memory, not yet written, with the description and the metadata of an image. Errors: Internal.
Result<Image> blank_like(const Image& image, int width, int height);

inline std::uint8_t* row_of_pixels(const Image& in_memory, std::uint32_t row) {
    return VIPS_IMAGE_ADDR(in_memory.get(), 0, static_cast<int>(row));
}

struct RegionDeleter {
    void operator()(VipsRegion* region) const { g_object_unref(region); }
};

// Every row of an image in turn, computed in this thread: libvips' own would start others. Holds no more than a few rows of a
// lazy image. Errors: Internal.
template <typename Take>
Result<void> for_each_row(const Image& image, Take&& take) {
    constexpr int kRowsAtOnce = 16;  // what libvips' sequential decoders make at a time
    const std::unique_ptr<VipsRegion, RegionDeleter> region(vips_region_new(image.get()));
    const int width = image.get()->Xsize, height = image.get()->Ysize;
    for (int top = 0; top < height; top += kRowsAtOnce) {
        const VipsRect rows{
            .left = 0, .top = top, .width = width, .height = height - top < kRowsAtOnce ? height - top : kRowsAtOnce};
        if (vips_region_prepare(region.get(), &rows) != 0) return operation_failure("pixels");
        for (int row = top; row < top + rows.height; ++row) take(VIPS_REGION_ADDR(region.get(), 0, row));
    }
    return {};
}

struct AreaDeleter {
    void operator()(VipsArrayDouble* array) const { vips_area_unref(reinterpret_cast<VipsArea*>(array)); }
};
using ColourArray = std::unique_ptr<VipsArrayDouble, AreaDeleter>;

}  // namespace selvage::transforms
