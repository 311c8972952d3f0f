#pragma once

#include <string_view>

#include "transforms/engine/image.h"
#include "transforms/engine/loaders.h"

// What the files of this folder share, and the functions that they give to the table in loaders.cc: one file per source format.

namespace selvage::transforms {

// What a decoder that shrinks leaves to the resize, whose filter is the better one. With 1.5 (image-engine §2.2) up to a point of
// SSIMULACRA2 is lost in the result, with 1.75 0.3; it costs 5 ms for the few sizes between.
inline constexpr double kLeftForResize = 1.75;

Result<Header> jpeg_header(std::string_view bytes);
Result<Image> load_jpeg(std::string_view bytes, const LoadOptions& options);
Extent jpeg_covers(Size stored, double shrink);
Result<Header> png_header(std::string_view bytes);
Result<Image> load_png(std::string_view bytes, const LoadOptions& options);
Result<Header> webp_header(std::string_view bytes);
Result<Image> load_webp(std::string_view bytes, const LoadOptions& options);
Result<Header> avif_header(std::string_view bytes);
Result<Image> load_avif(std::string_view bytes, const LoadOptions& options);
Result<Header> heic_header(std::string_view bytes);
Result<Image> load_heic(std::string_view bytes, const LoadOptions& options);
bool have_heic();
Result<Header> jxl_header(std::string_view bytes);
Result<Image> load_jxl(std::string_view bytes, const LoadOptions& options);
bool have_jxl();
Result<Header> gif_header(std::string_view bytes);
Result<Image> load_gif(std::string_view bytes, const LoadOptions& options);
Result<Header> tiff_header(std::string_view bytes);
Result<Image> load_tiff(std::string_view bytes, const LoadOptions& options);
Result<Header> svg_header(std::string_view bytes);
Result<Image> load_svg(std::string_view bytes, const LoadOptions& options);

// For the decoders of libvips. Sequential access: pixels are decoded while they are used, no temporary file is ever made.
// Truncated sources fail; smaller defects (a wrong marker, extraneous bytes) are what browsers show too.
inline constexpr auto kAccess = VIPS_ACCESS_SEQUENTIAL;
inline constexpr auto kFailOn = VIPS_FAIL_ON_TRUNCATED;

// The image that a libvips load call opens. Errors: Unprocessable "undecodable".
template <typename Call>
Result<Image> opened(std::string_view bytes, Call&& call) {
    VipsImage* out = nullptr;
    // libvips only reads, though its signature does not say so.
    if (call(const_cast<char*>(bytes.data()), bytes.size(), &out) != 0) return source_failure();
    return Image(out);
}

// What libvips knows about an image that it has opened.
Header header_of(const Image& opened);

}  // namespace selvage::transforms
