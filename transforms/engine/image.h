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

struct AreaDeleter {
    void operator()(VipsArrayDouble* array) const { vips_area_unref(reinterpret_cast<VipsArea*>(array)); }
};
using ColourArray = std::unique_ptr<VipsArrayDouble, AreaDeleter>;

}  // namespace selvage::transforms
