#include "transforms/engine/image.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace selvage::transforms {
namespace {

constexpr std::size_t kLongestMessage = 200;  // fits Done::detail; libraries repeat themselves after that

}  // namespace

std::string library_message() {
    std::string message = vips_error_buffer();
    vips_error_clear();
    message.resize(std::min(message.size(), kLongestMessage));
    std::ranges::replace(message, '\n', ' ');
    while (message.ends_with(' ')) message.pop_back();
    return message;
}

std::unexpected<Error> operation_failure(std::string_view operation) {
    return fail(ErrorKind::Internal, std::string(operation) + ": " + library_message(), "operation_failed");
}

std::unexpected<Error> source_failure() { return fail(ErrorKind::Unprocessable, library_message(), "undecodable"); }

Result<Image> with_own_metadata(const Image& image) {
    return made("copy", [&](VipsImage** out) { return vips_copy(image.get(), out, nullptr); });
}

Result<Image> in_memory(const Image& image) {
    if (image.get()->data != nullptr) return image;
    Image pixels = TRY(blank_like(image, image.get()->Xsize, image.get()->Ysize));
    std::uint8_t* out = row_of_pixels(pixels, 0);
    const auto bytes = static_cast<std::size_t>(VIPS_IMAGE_SIZEOF_LINE(image.get()));
    TRY(for_each_row(image, [&](const std::uint8_t* row) {
        std::memcpy(out, row, bytes);
        out += bytes;
    }));
    return pixels;
}

Result<Image> readable_again(const Image& image) {
    if (image.get()->data != nullptr) return image;
    return made("rows", [&](VipsImage** out) { return vips_sequential(image.get(), out, nullptr); });
}

Result<Image> blank(int width, int height, int bands, VipsInterpretation meaning) {
    Image out(vips_image_new_memory());
    vips_image_init_fields(out.get(), width, height, bands, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, meaning, 1, 1);
    if (vips_image_write_prepare(out.get()) != 0) return operation_failure("blank");
    return out;
}

namespace {

// What vips_image_map shows beside the metadata: the image's own description.
constexpr auto kDescription = std::to_array<std::string_view>(
    {"width", "height", "bands", "format", "coding", "interpretation", "xoffset", "yoffset", "xres", "yres", "filename", "mode"});

void* copy_field(VipsImage*, const char* name, GValue* value, void* out) {
    if (std::ranges::find(kDescription, std::string_view(name)) == kDescription.end()) {
        vips_image_set(static_cast<VipsImage*>(out), name, value);
    }
    return nullptr;
}

}  // namespace

// Not vips_image_pipelinev: it remembers the other image, which is gone before this one.
Result<Image> blank_like(const Image& image, int width, int height) {
    const VipsImage& like = *image.get();
    Image out(vips_image_new_memory());
    vips_image_init_fields(out.get(), width, height, like.Bands, like.BandFmt, like.Coding, like.Type, like.Xres, like.Yres);
    vips_image_map(image.get(), copy_field, out.get());
    if (vips_image_write_prepare(out.get()) != 0) return operation_failure("blank");
    return out;
}

}  // namespace selvage::transforms
