#include "transforms/engine/loaders.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace selvage::transforms {
namespace {

// Sequential access: pixels are decoded while they are used, no temporary file is ever made. Truncated sources fail; smaller
// defects (a wrong marker, extraneous bytes) are what browsers show too.
constexpr auto kAccess = VIPS_ACCESS_SEQUENTIAL;
constexpr auto kFailOn = VIPS_FAIL_ON_TRUNCATED;

int frame_count(const LoadOptions& options) { return options.all_frames ? -1 : 1; }

template <typename Call>
Result<Image> opened(std::string_view bytes, Call&& call) {
    VipsImage* out = nullptr;
    // libvips only reads, though its signature does not say so.
    if (call(const_cast<char*>(bytes.data()), bytes.size(), &out) != 0) return source_failure();
    return Image(out);
}

double no_shrink(double) { return 1; }

// libjpeg scales in the DCT by halves. The last factor of 1.5 is left for the resize, whose filter is the better one
// (image-engine §2.2).
constexpr double kLeftForResize = 1.5;

double jpeg_shrink(double wanted) {
    for (const double factor : {8.0, 4.0, 2.0}) {
        if (wanted >= factor * kLeftForResize) return factor;
    }
    return 1;
}

Result<Image> load_jpeg(std::string_view bytes, const LoadOptions& options) {
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_jpegload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "shrink",
                                    static_cast<int>(options.shrink), nullptr);
    });
}

Result<Image> load_png(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_pngload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

// libwebp averages areas while it decodes, which is good for any factor, but costs time of its own: small ones are not worth it.
double webp_shrink(double wanted) { return wanted < 2 * kLeftForResize ? 1 : wanted / kLeftForResize; }

Result<Image> load_webp(std::string_view bytes, const LoadOptions& options) {
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_webpload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "n", frame_count(options), "scale",
                                    1 / options.shrink, nullptr);
    });
}

Result<Image> load_avif(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_heifload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

Result<Image> load_gif(std::string_view bytes, const LoadOptions& options) {
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_gifload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "n", frame_count(options), nullptr);
    });
}

Result<Image> load_tiff(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_tiffload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

// Drawn at the size that is wanted, so nothing is left for the resize but rounding. Nothing outside the document is loaded:
// librsvg has no base to resolve a reference against when it reads from memory. image-urls §3 bounds the text.
constexpr std::size_t kLargestDrawing = 2'000'000;

double svg_shrink(double wanted) { return wanted; }

Result<Image> load_svg(std::string_view bytes, const LoadOptions& options) {
    if (bytes.size() > kLargestDrawing) {
        return fail(ErrorKind::TooLarge, "an SVG above 2 MB", "source_too_large");
    }
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_svgload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "scale", 1 / options.shrink, nullptr);
    });
}

constexpr auto kLoaders = std::to_array<Loader>({
    {Format::Jpeg, "VipsForeignLoadJpegBuffer", jpeg_shrink, load_jpeg},
    {Format::Png, "VipsForeignLoadPngBuffer", no_shrink, load_png},
    {Format::Webp, "VipsForeignLoadWebpBuffer", webp_shrink, load_webp},
    {Format::Avif, "VipsForeignLoadHeifBuffer", no_shrink, load_avif},
    {Format::Gif, "VipsForeignLoadNsgifBuffer", no_shrink, load_gif},
    {Format::Tiff, "VipsForeignLoadTiffBuffer", no_shrink, load_tiff},
    {Format::Svg, "VipsForeignLoadSvgBuffer", svg_shrink, load_svg},
});

}  // namespace

std::span<const Loader> loaders() { return kLoaders; }

const Loader* loader_of(Format format) {
    const auto row = std::ranges::find(kLoaders, format, &Loader::format);
    return row == kLoaders.end() ? nullptr : &*row;
}

}  // namespace selvage::transforms
