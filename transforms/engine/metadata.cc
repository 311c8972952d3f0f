#include "transforms/engine/metadata.h"

#include <algorithm>
#include <array>
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

// The value of a text field. libvips shows it as "VALUE (MEANING, ASCII, N components, N bytes)", at most 255 bytes of that, and
// the meaning of both our fields begins with the value again.
std::string_view value_of(std::string_view shown) {
    constexpr std::size_t kEllipsis = 3;  // where libvips ran out of room
    for (std::size_t end = shown.find(" ("); end != std::string_view::npos; end = shown.find(" (", end + 1)) {
        const std::string_view meaning = shown.substr(end + 2);
        const std::size_t again = meaning.size() > end ? end : meaning.size() - std::min(meaning.size(), kEllipsis);
        if (again > 0 && meaning.substr(0, again) == shown.substr(0, again)) return shown.substr(0, end);
    }
    return shown;
}

// When it writes, libvips cuts everything from the last " (". The meaning of a copyright has parentheses of its own
// ("… (Photographer) - [None] (Editor)"), half of which would become part of the value: it gets a tail that has none.
void keep_value_only(VipsImage* image, const char* field) {
    const char* text = nullptr;
    if (vips_image_get_typeof(image, field) == 0 || vips_image_get_string(image, field, &text) != 0) return;
    std::string value(value_of(text));
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
