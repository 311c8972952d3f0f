#include "transforms/engine/metadata.h"

#include <algorithm>
#include <array>
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

}  // namespace

Result<Image> without_private_metadata(const Image& image) {
    const Image bare = TRY(with_own_metadata(image));
    const std::unique_ptr<char*, NamesDeleter> fields(vips_image_get_fields(bare.get()));
    for (char** field = fields.get(); *field != nullptr; ++field) {
        if (!kept(*field)) vips_image_remove(bare.get(), *field);  // does nothing to width, height and their like
    }
    return bare;
}

bool names_owner(const Image& image) {
    return std::ranges::any_of(kOwner, [&](const char* field) { return vips_image_get_typeof(image.get(), field) != 0; });
}

}  // namespace selvage::transforms
