// JPEG by libjpeg-turbo directly: libvips 8.14 spends half its time beside it (image-engine §2.2, §2.3).

#include <memory>

#include "transforms/engine/colour_profile.h"
#include "transforms/engine/decoders/decoder.h"
#include "transforms/engine/decoders/jpeg_parts.h"
#include "transforms/engine/decoders/jpeg_reader.h"
#include "transforms/engine/decoders/jpeg_rows.h"
#include "transforms/engine/decoders/jpeg_scans.h"
#include "transforms/engine/exif.h"

namespace selvage::transforms {
namespace {

constexpr std::size_t kMostScans = 100;  // protocol-and-limits §7

std::unexpected<Error> broken(std::string why) {
    return fail(ErrorKind::Unprocessable, "jpeg: " + std::move(why), "undecodable");
}

// What is decoded one scan after the other has to be there to its end: scans that are left out would not be missed.
Result<void> check(const JpegParts& parts) {
    if (parts.scans.empty()) return broken("no picture before the end");
    if (parts.scans.size() > kMostScans) return broken("more than 100 scans");
    if (parts.progressive && !parts.complete) return broken("truncated");
    return {};
}

// The limits were held against what we read ourselves.
bool promised(Size size, const jpeg_decompress_struct& settings) {
    return settings.image_width == size.width && settings.image_height == size.height;
}

void apply(const JpegScale& scale, jpeg_decompress_struct& settings) {
    settings.scale_num = static_cast<unsigned>(scale.eighths);
    settings.scale_denom = 8;
    settings.do_fancy_upsampling = scale.smooth_colour ? TRUE : FALSE;
    settings.do_block_smoothing = FALSE;  // bits that we leave out on purpose are not to be guessed
}

// Whose file it is and what its colours mean; nothing else is worth keeping.
void attach_metadata(const JpegParts& parts, const Image& image) {
    const Exif exif = read_exif(parts.exif);
    if (!exif.copyright.empty()) vips_image_set_string(image.get(), "exif-ifd0-Copyright", exif.copyright.c_str());
    if (!exif.artist.empty()) vips_image_set_string(image.get(), "exif-ifd0-Artist", exif.artist.c_str());
    if (!parts.icc.empty()) vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, parts.icc.data(), parts.icc.size());
}

// Needs no conversion, for which rows are read more than once.
bool is_srgb(const Image& image, const JpegParts& parts) {
    return image.bands() == 3 && (parts.icc.empty() || is_srgb_profile(parts.icc));
}

}  // namespace

Result<Header> jpeg_header(std::string_view bytes) {
    const JpegParts parts = head_of(bytes);
    if (parts.size.area() == 0) return broken("no size before the first scan");
    return Header{.stored = parts.size, .orientation = read_exif(parts.exif).orientation};
}

Extent jpeg_covers(Size stored, double shrink) {
    const double scale = scale_for(shrink).eighths / 8.0;
    return {stored.width * scale, stored.height * scale};
}

Result<Image> load_jpeg(std::string_view bytes, const LoadOptions& options) {
    const JpegParts parts = parts_of(bytes);
    TRY(check(parts));
    auto reader =
        std::make_unique<JpegReader>(parts.progressive ? pieces_worth_decoding(parts, options.shrink) : std::vector{bytes});
    TRY(reader->read_header());
    if (!promised(head_of(bytes).size, reader->settings())) return broken("another size than its header says");
    apply(scale_for(options.shrink), reader->settings());
    const Image image = TRY(rows_of(std::move(reader)));
    attach_metadata(parts, image);
    return is_srgb(image, parts) ? image : readable_again(image);
}

}  // namespace selvage::transforms
