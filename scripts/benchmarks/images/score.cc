// score REFERENCE IMAGE…: the SSIMULACRA2 score of each image against the reference, one per line, "-" where it cannot be told.
// The first frame, in sRGB with 8 bits. Exit status 1 when an image cannot be read or has another size.

#include <vips/vips.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "transforms/engine/quality/ssimulacra2.h"

namespace {

using selvage::transforms::Pixels;
using selvage::transforms::quality::Reference;

struct Picture {
    std::unique_ptr<void, void (*)(void*)> bytes;
    Pixels pixels;
};

struct Unref {
    void operator()(VipsImage* image) const { g_object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, Unref>;

Image in_srgb(Image image) {
    VipsImage* out = nullptr;
    if (vips_image_get_typeof(image.get(), VIPS_META_ICC_NAME) != 0) {
        if (vips_icc_transform(image.get(), &out, "srgb", "embedded", TRUE, "depth", 8, nullptr) == 0) return Image(out);
        vips_error_clear();
    }
    return Image(vips_colourspace(image.get(), &out, VIPS_INTERPRETATION_sRGB, nullptr) == 0 ? out : nullptr);
}

std::optional<Picture> read(const char* file) {
    Image image(vips_image_new_from_file(file, nullptr));
    if (image) image = in_srgb(std::move(image));
    VipsImage* out = nullptr;
    if (!image || vips_cast_uchar(image.get(), &out, nullptr) != 0) {
        std::fprintf(stderr, "%s: %s", file, vips_error_buffer());
        vips_error_clear();
        return {};
    }
    image.reset(out);
    std::size_t size = 0;
    void* bytes = vips_image_write_to_memory(image.get(), &size);
    if (bytes == nullptr) return {};
    return Picture{.bytes = {bytes, g_free},
                   .pixels = {.data = static_cast<const std::uint8_t*>(bytes),
                              .size = {static_cast<std::uint32_t>(image->Xsize), static_cast<std::uint32_t>(image->Ysize)},
                              .bands = static_cast<std::size_t>(image->Bands)}};
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: score REFERENCE IMAGE…\n");
        return 2;
    }
    if (vips_init(arguments[0]) != 0) return 2;
    const auto original = read(arguments[1]);
    if (!original) return 1;
    const Reference reference(original->pixels);
    int status = 0;
    for (int index = 2; index < count; ++index) {
        const auto candidate = read(arguments[index]);
        const auto score = candidate ? reference.score(candidate->pixels) : std::unexpected(selvage::Error{});
        if (score) {
            std::printf("%.4f\n", *score);
        } else {
            std::printf("-\n");
            status = 1;
        }
    }
    return status;
}
