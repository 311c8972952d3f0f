#include <algorithm>
#include <array>

#include "transforms/engine/formats/encoder.h"

namespace selvage::transforms {
namespace {

constexpr auto kEncoders = std::to_array<Encoder>({
    {Format::Jpeg, nullptr, 65'500, encode_jpeg},                      // libjpeg's JPEG_MAX_DIMENSION
    {Format::Png, "VipsForeignSavePngBuffer", 1'000'000, encode_png},  // libpng's default user limit
    {Format::Webp, nullptr, 16'383, encode_webp},                      // 14 bits
    {Format::Avif, nullptr, 16'384, encode_avif},                      // of every AV1 profile that browsers decode
    {Format::Gif, "VipsForeignSaveCgifBuffer", 65'535, encode_gif},    // 16 bits
});

}  // namespace

std::span<const Encoder> encoders() { return kEncoders; }

const Encoder* encoder_of(Format format) {
    const auto row = std::ranges::find(kEncoders, format, &Encoder::format);
    return row == kEncoders.end() ? nullptr : &*row;
}

}  // namespace selvage::transforms
