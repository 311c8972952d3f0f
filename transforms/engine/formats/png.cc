#include <array>
#include <cstdint>

#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/formats/pixels.h"

namespace selvage::transforms {
namespace {

constexpr std::size_t kPaletteSize = 256;

// A set of at most 256 colours; open addressing, a quarter full at most.
class Palette {
public:
    // False when there is no place for one more.
    bool add(std::uint32_t colour) {
        std::size_t slot = (colour * 2654435761U) >> 22;  // Knuth's multiplicative hash, 10 bits
        while (used_[slot] && colours_[slot] != colour) slot = (slot + 1) % colours_.size();
        if (used_[slot]) return true;
        if (count_ == kPaletteSize) return false;
        used_[slot] = true;
        colours_[slot] = colour;
        ++count_;
        return true;
    }

private:
    std::array<std::uint32_t, 4 * kPaletteSize> colours_{};
    std::array<bool, 4 * kPaletteSize> used_{};
    std::size_t count_ = 0;
};

// A photograph is out after a few hundred pixels; only a graphic is read to its end.
bool fits_palette(const Image& image) {
    const auto* bytes = static_cast<const std::uint8_t*>(vips_image_get_data(image.get()));
    if (bytes == nullptr) return false;
    const auto bands = static_cast<std::size_t>(image.bands());
    const std::size_t pixels = std::size_t{image.width()} * image.height();
    Palette palette;
    for (std::size_t pixel = 0; pixel < pixels; ++pixel, bytes += bands) {
        std::uint32_t colour = 0;
        for (std::size_t band = 0; band < bands; ++band) colour = colour << 8 | bytes[band];
        if (!palette.add(colour)) return false;
    }
    return true;
}

// zlib finds what is flat by itself, and filters are in its way (−10 % without, level 6). A photograph needs one: Paeth's with
// level 3 takes the time of level 6 without, for a third fewer bytes; all filters at level 6 take four times as long for 10 %
// more.
struct Effort {
    int level;
    VipsForeignPngFilter filter;
};
constexpr Effort kDrawn{.level = 6, .filter = VIPS_FOREIGN_PNG_FILTER_NONE};
constexpr Effort kPhotographed{.level = 3, .filter = VIPS_FOREIGN_PNG_FILTER_PAETH};

}  // namespace

Result<std::string> encode_png(const Image& image, const EncodeOptions& options) {
    const bool palette = fits_palette(image);
    const auto [level, filter] = palette || is_flat(TRY(frame_pixels(image, options.frame))) ? kDrawn : kPhotographed;
    return encoded("png", [&](void** buffer, std::size_t* size) {
        return vips_pngsave_buffer(image.get(), buffer, size, "compression", level, "filter", filter, "palette",
                                   palette ? TRUE : FALSE, "Q", 100, "dither", 0.0, "strip", TRUE, nullptr);
    });
}

}  // namespace selvage::transforms
