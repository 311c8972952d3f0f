#include "transforms/engine/decoders/jpeg_rows.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace selvage::transforms {
namespace {

struct Rows {
    std::unique_ptr<JpegReader> reader;
    bool ink_reversed;
    int next = 0;  // which row comes next
};

VipsInterpretation meaning_of(J_COLOR_SPACE space) {
    if (space == JCS_GRAYSCALE) return VIPS_INTERPRETATION_B_W;
    return space == JCS_CMYK ? VIPS_INTERPRETATION_CMYK : VIPS_INTERPRETATION_sRGB;
}

void turn_ink_round(std::uint8_t* row, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; ++at) row[at] = static_cast<std::uint8_t>(255 - row[at]);
}

int refuse(const char* why) {
    vips_error("jpeg", "%s", why);
    return -1;
}

// libvips asks for the pixels of `region`; 0, or -1 with a message.
int fill(VipsRegion* region, void*, void*, void* context, gboolean*) {
    Rows& rows = *static_cast<Rows*>(context);
    const VipsRect& wanted = region->valid;
    if (rows.reader == nullptr || wanted.top != rows.next || wanted.left != 0 || wanted.width != region->im->Xsize) {
        return refuse("rows are read once, from top to bottom");
    }
    const auto stride = static_cast<std::size_t>(VIPS_REGION_LSKIP(region));
    std::uint8_t* first = VIPS_REGION_ADDR_TOPLEFT(region);
    if (auto read = rows.reader->read_rows(first, stride, static_cast<JDIMENSION>(wanted.height)); !read) {
        vips_error("", "%s", read.error().detail.c_str());
        return -1;
    }
    for (int row = 0; rows.ink_reversed && row < wanted.height; ++row) {
        turn_ink_round(first + static_cast<std::size_t>(row) * stride, VIPS_REGION_SIZEOF_LINE(region));
    }
    rows.next += wanted.height;
    if (rows.next == region->im->Ysize) rows.reader.reset();
    return 0;
}

}  // namespace

Result<Image> rows_of(std::unique_ptr<JpegReader> reader) {
    TRY(reader->start());
    const jpeg_decompress_struct& settings = reader->settings();
    if (settings.output_components == 2 || settings.out_color_space == JCS_UNKNOWN) {
        return fail(ErrorKind::Unprocessable, "jpeg: unknown colours", "undecodable");
    }
    Image image(vips_image_new());
    vips_image_init_fields(image.get(), static_cast<int>(settings.output_width), static_cast<int>(settings.output_height),
                           settings.output_components, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, meaning_of(settings.out_color_space),
                           1, 1);
    // Adobe's programs write ink the other way round, and nobody else writes CMYK.
    const bool reversed = settings.out_color_space == JCS_CMYK && settings.saw_Adobe_marker != FALSE;
    auto rows = std::make_unique<Rows>(std::move(reader), reversed);
    Rows* lent = rows.get();
    g_object_set_data_full(G_OBJECT(image.get()), "selvage-rows", rows.release(),
                           [](gpointer owned) { delete static_cast<Rows*>(owned); });
    if (vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_THINSTRIP, nullptr) != 0 ||
        vips_image_generate(image.get(), nullptr, fill, nullptr, nullptr, lent) != 0) {
        return operation_failure("rows");
    }
    return image;
}

}  // namespace selvage::transforms
