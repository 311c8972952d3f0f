#include "transforms/engine/metadata.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace selvage::transforms {
namespace {

// libvips' names of the fields. A whitelist: what a future library version adds is removed.
constexpr auto kOwner = std::to_array<const char*>({"exif-ifd0-Copyright", "exif-ifd0-Artist"});
constexpr auto kMovement = std::to_array<std::string_view>({"page-height", "n-pages", "delay", "loop"});

struct NamesDeleter {
    void operator()(char** names) const { g_strfreev(names); }
};

bool kept(std::string_view field) {
    return std::ranges::find(kOwner, field, [](const char* name) { return std::string_view(name); }) != kOwner.end() ||
           std::ranges::find(kMovement, field) != kMovement.end();
}

// libvips shows a text field as "VALUE (MEANING, ASCII, N components, N bytes)" and cuts everything from the last " (" when it
// writes. The meaning of a copyright has parentheses of its own ("… (Photographer) - [None] (Editor)"), so half of it would
// become part of the value: the value is put back with a tail that has none. The count includes the final NUL.
void keep_value_only(VipsImage* image, const char* field) {
    const char* text = nullptr;
    if (vips_image_get_typeof(image, field) == 0 || vips_image_get_string(image, field, &text) != 0) return;
    const std::string_view shown(text);
    constexpr std::string_view kEnd = " bytes)";
    const std::size_t number = shown.rfind(' ', shown.size() - std::min(shown.size(), kEnd.size() + 1));
    if (!shown.ends_with(kEnd) || number == std::string_view::npos) return;
    std::size_t size = 0;
    std::from_chars(shown.data() + number + 1, shown.data() + shown.size(), size);
    std::string value(shown.substr(0, size == 0 ? 0 : size - 1));
    vips_image_set_string(image, field, value.append(" (ASCII)").c_str());
}

}  // namespace

Result<Image> without_private_metadata(const Image& image) {
    Image bare = TRY(with_own_metadata(image));
    const std::unique_ptr<char*, NamesDeleter> fields(vips_image_get_fields(bare.get()));
    for (char** field = fields.get(); *field != nullptr; ++field) {
        if (!kept(*field)) vips_image_remove(bare.get(), *field);  // does nothing to width, height and their like
    }
    for (const char* field : kOwner) keep_value_only(bare.get(), field);
    return bare;
}

bool names_owner(const Image& image) {
    return std::ranges::any_of(kOwner, [&](const char* field) { return vips_image_get_typeof(image.get(), field) != 0; });
}

}  // namespace selvage::transforms
