#include "tests/engine/pictures.h"

#include <algorithm>
#include <cstdlib>

#include "transforms/engine/loaders.h"
#include "transforms/negotiation.h"

namespace selvage::transforms::test {
namespace {

template <typename Call>
Image drawn(Call&& call) {
    auto image = made("draw", call);
    INFO((image ? "" : image.error().detail));
    REQUIRE(image);
    return *image;
}

Image turned(const Image& image, VipsAngle angle) {
    return drawn([&](VipsImage** out) { return vips_rot(image.get(), out, angle, nullptr); });
}

Image mirrored(const Image& image, VipsDirection direction) {
    return drawn([&](VipsImage** out) { return vips_flip(image.get(), out, direction, nullptr); });
}

// The engine's savers are not enough to make every source, nor its loaders to see every result: what it does without libvips is
// judged by libvips.
void allow_what_tests_need() {
    vips_operation_block_set("VipsForeignSave", FALSE);
    vips_operation_block_set("VipsForeignLoadJpegBuffer", FALSE);
    vips_operation_block_set("VipsForeignLoadHeifBuffer", FALSE);  // AVIF, where HEIC has not allowed it
}

}  // namespace

const Engine& engine() {
    static const auto started = [] {
        auto result = Engine::start();
        REQUIRE(result);
        allow_what_tests_need();
        return *std::move(result);
    }();
    return *started;
}

Image solid(int width, int height, Colour colour) {
    engine();
    const int bands = colour[3] == 255 ? 3 : 4;
    const std::array<double, 4> values{static_cast<double>(colour[0]), static_cast<double>(colour[1]),
                                       static_cast<double>(colour[2]), static_cast<double>(colour[3])};
    const std::array<double, 4> ones{1, 1, 1, 1};
    const Image black = drawn([&](VipsImage** out) { return vips_black(out, width, height, "bands", bands, nullptr); });
    const Image filled = drawn([&](VipsImage** out) {
        return vips_linear(black.get(), out, ones.data(), values.data(), bands, "uchar", TRUE, nullptr);
    });
    return drawn(
        [&](VipsImage** out) { return vips_copy(filled.get(), out, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr); });
}

Image quadrants(int width, int height) {
    const std::array<Image, 4> parts{solid(width / 2, height / 2, kRed), solid(width - width / 2, height / 2, kGreen),
                                     solid(width / 2, height - height / 2, kBlue),
                                     solid(width - width / 2, height - height / 2, kYellow)};
    const auto side_by_side = [&](std::size_t left, std::size_t right, VipsDirection direction, const auto& images) {
        return drawn(
            [&](VipsImage** out) { return vips_join(images[left].get(), images[right].get(), out, direction, nullptr); });
    };
    const std::array<Image, 2> rows{side_by_side(0, 1, VIPS_DIRECTION_HORIZONTAL, parts),
                                    side_by_side(2, 3, VIPS_DIRECTION_HORIZONTAL, parts)};
    const Image lazy = side_by_side(0, 1, VIPS_DIRECTION_VERTICAL, rows);
    return in_memory(lazy).value();
}

Image stored_for_orientation(const Image& upright, int exif) {
    const auto stored = [&] {
        switch (exif) {
            case 2:
                return mirrored(upright, VIPS_DIRECTION_HORIZONTAL);
            case 3:
                return turned(upright, VIPS_ANGLE_D180);
            case 4:
                return mirrored(upright, VIPS_DIRECTION_VERTICAL);
            case 5:
                return mirrored(turned(upright, VIPS_ANGLE_D90), VIPS_DIRECTION_HORIZONTAL);
            case 6:
                return turned(upright, VIPS_ANGLE_D270);
            case 7:
                return mirrored(turned(upright, VIPS_ANGLE_D90), VIPS_DIRECTION_VERTICAL);
            case 8:
                return turned(upright, VIPS_ANGLE_D90);
            default:
                return upright;
        }
    }();
    const Image tagged = with_own_metadata(stored).value();
    vips_image_set_int(tagged.get(), VIPS_META_ORIENTATION, exif);
    return tagged;
}

Image strip_of(const std::vector<Image>& frames, const std::vector<int>& delays, int loop) {
    std::vector<VipsImage*> images;
    for (const Image& frame : frames) images.push_back(frame.get());
    const Image column = drawn([&](VipsImage** out) {
        return vips_arrayjoin(images.data(), out, static_cast<int>(images.size()), "across", 1, nullptr);
    });
    const Image strip = with_own_metadata(column).value();
    vips_image_set_int(strip.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(frames.front().height()));
    vips_image_set_array_int(strip.get(), "delay", delays.data(), static_cast<int>(delays.size()));
    vips_image_set_int(strip.get(), "loop", loop);
    return strip;
}

Image with_field(const Image& image, const char* field, const char* value) {
    const Image copy = with_own_metadata(image).value();
    vips_image_set_string(copy.get(), field, value);
    return copy;
}

std::string saved(const Image& image, const char* suffix) {
    void* buffer = nullptr;
    std::size_t size = 0;
    const int status = vips_image_write_to_buffer(image.get(), suffix, &buffer, &size, nullptr);
    INFO(suffix << ": " << library_message());
    REQUIRE(status == 0);
    std::string bytes(static_cast<const char*>(buffer), size);
    g_free(buffer);
    return bytes;
}

namespace {

Image decoded(std::string_view bytes) {
    // libvips 8.14 does not know sequences.
    if (bytes.substr(4, 8) == "ftypavis") return loader_of(Format::Avif)->load(bytes, {.all_frames = true}).value();
    const char* all_frames = bytes.starts_with("GIF8") || bytes.substr(0, 16).ends_with("WEBPVP8X") ? "[n=-1]" : "";
    const Image lazy = drawn([&](VipsImage** out) {
        *out = vips_image_new_from_buffer(bytes.data(), bytes.size(), all_frames, nullptr);
        return *out == nullptr ? -1 : 0;
    });
    auto pixels = in_memory(lazy);
    INFO((pixels ? "" : pixels.error().detail));
    REQUIRE(pixels);
    return *pixels;
}

}  // namespace

Seen::Seen(std::string_view bytes)
    : decoded_(decoded(bytes)), image_(decoded_.get()), page_height_(vips_image_get_page_height(decoded_.get())) {}

std::string Seen::text(const char* field) const {
    const char* value = nullptr;
    if (!has(field) || vips_image_get_string(image_, field, &value) != 0) return {};
    return value;
}

int Seen::number(const char* field) const {
    int value = -1;
    if (has(field)) vips_image_get_int(image_, field, &value);
    return value;
}

std::vector<int> Seen::delays() const {
    int* values = nullptr;
    int count = 0;
    if (!has("delay") || vips_image_get_array_int(image_, "delay", &values, &count) != 0) return {};
    return {values, values + count};
}

Colour Seen::at(int x, int y, int frame) const {
    const int row = y + frame * page_height_;
    if (x < 0 || row < 0 || x >= image_->Xsize || row >= image_->Ysize) FAIL("no pixel at " << x << ", " << row);
    REQUIRE(image_->BandFmt == VIPS_FORMAT_UCHAR);
    const auto* pixel = reinterpret_cast<const std::uint8_t*>(VIPS_IMAGE_ADDR(image_, x, row));
    const int count = image_->Bands;
    Colour colour{pixel[0], pixel[0], pixel[0], 255};
    if (count >= 3) colour = {pixel[0], pixel[1], pixel[2], 255};
    if (count % 2 == 0) colour[3] = pixel[count - 1];
    return colour;
}

int distance(Colour left, Colour right) {
    int worst = 0;
    for (std::size_t channel = 0; channel < left.size(); ++channel) {
        worst = std::max(worst, std::abs(left[channel] - right[channel]));
    }
    return worst;
}

Result<Output> rendered(std::string_view source, std::string_view query, Format out, const worker::Limits& limits) {
    Plan plan;
    if (!query.empty()) {
        const auto request = parse_canonical(query, {.max_side = std::max(8'192U, limits.output_side)});
        REQUIRE(request);
        REQUIRE(*request);
        plan = (*request)->plan;
    }
    return engine().render(source, {.plan = plan, .format = out, .quality = effective_quality(plan, out, {})}, limits);
}

Seen seen(std::string_view source, std::string_view query, Format out) {
    const auto output = rendered(source, query, out);
    INFO(query << ": " << (output ? "" : output.error().detail));
    REQUIRE(output);
    Seen picture(output->bytes);
    CHECK(static_cast<int>(output->width) == picture.width());
    CHECK(static_cast<int>(output->height) == picture.height());
    return picture;
}

}  // namespace selvage::transforms::test
