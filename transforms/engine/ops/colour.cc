#include <optional>
#include <string_view>
#include <utility>

#include "transforms/engine/colour_profile.h"
#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

constexpr std::size_t kLargestProfile = 1 << 20;  // protocol-and-limits §7

// The one place that decides what becomes of an embedded profile (`icc=auto`).
//
// Every output is sRGB: what any client shows right, profile or not, and what bg= colours are written in. Keeping a wide gamut is
// a third fate, to be decided here from the profile and the output format, when `icc=keep` comes.
enum class ProfileFate { Convert, Ignore };

ProfileFate fate_of(std::string_view profile) {
    const bool pointless = profile.empty() || profile.size() > kLargestProfile || is_srgb_profile(profile);
    return pointless ? ProfileFate::Ignore : ProfileFate::Convert;
}

std::string_view embedded_profile(const Image& image) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (vips_image_get_typeof(image.get(), VIPS_META_ICC_NAME) == 0) return {};
    if (vips_image_get_blob(image.get(), VIPS_META_ICC_NAME, &bytes, &size) != 0) return {};
    return {static_cast<const char*>(bytes), size};
}

// Nothing when the profile is broken or belongs to another kind of image: then it is as if it were not there.
std::optional<Image> by_profile(const Image& image) {
    auto converted = made("profile", [&](VipsImage** out) {
        return vips_icc_transform(image.get(), out, "srgb", "embedded", TRUE, "intent", VIPS_INTENT_PERCEPTUAL, "depth", 8,
                                  nullptr);
    });
    if (!converted) return std::nullopt;
    return *std::move(converted);
}

Result<Image> by_interpretation(const Image& image) {
    auto converted =
        made("colour", [&](VipsImage** out) { return vips_colourspace(image.get(), out, VIPS_INTERPRETATION_sRGB, nullptr); });
    if (!converted) return fail(ErrorKind::Unprocessable, std::move(converted.error().detail), "undecodable");
    return converted;
}

// A TIFF may have any number of channels beside its colours: the first is taken for alpha, nobody knows what the others are.
Result<Image> without_extra_channels(const Image& image) {
    if (image.bands() <= 4) return image;
    return made("colour", [&](VipsImage** out) { return vips_extract_band(image.get(), out, 0, "n", 4, nullptr); });
}

Result<Image> as_bytes(const Image& image) {
    if (image.depth() == VIPS_FORMAT_UCHAR) return image;
    return made("colour", [&](VipsImage** out) { return vips_cast(image.get(), out, VIPS_FORMAT_UCHAR, nullptr); });
}

}  // namespace

Result<Image> to_srgb(const Image& image, Scene&) {
    std::optional<Image> converted;
    if (fate_of(embedded_profile(image)) == ProfileFate::Convert) converted = by_profile(image);
    if (!converted) converted = TRY(by_interpretation(image));
    return as_bytes(TRY(without_extra_channels(*converted)));
}

}  // namespace selvage::transforms
