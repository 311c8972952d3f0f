#include "transforms/engine/loaders.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {
namespace {

constexpr auto kLoaders = std::to_array<Loader>({
    {Format::Jpeg, nullptr, jpeg_header, load_jpeg, jpeg_covers},
    {Format::Png, "VipsForeignLoadPngBuffer", png_header, load_png},
    {Format::Webp, "VipsForeignLoadWebpBuffer", webp_header, load_webp},
    {Format::Avif, nullptr, avif_header, load_avif},
    {Format::Heic, "VipsForeignLoadHeifBuffer", heic_header, load_heic, nullptr, have_heic},
    {Format::Jxl, "VipsForeignLoadJxlBuffer", jxl_header, load_jxl, nullptr, have_jxl},
    {Format::Gif, "VipsForeignLoadNsgifBuffer", gif_header, load_gif},
    {Format::Tiff, "VipsForeignLoadTiffBuffer", tiff_header, load_tiff},
    {Format::Svg, "VipsForeignLoadSvgBuffer", svg_header, load_svg},
});

}  // namespace

std::span<const Loader> loaders() {
    static const std::vector<Loader> available = [] {
        std::vector<Loader> rows;
        std::ranges::copy_if(kLoaders, std::back_inserter(rows),
                             [](const Loader& row) { return row.available == nullptr || row.available(); });
        return rows;
    }();
    return available;
}

const Loader* loader_of(Format format) {
    const auto rows = loaders();
    const auto row = std::ranges::find(rows, format, &Loader::format);
    return row == rows.end() ? nullptr : &*row;
}

}  // namespace selvage::transforms
