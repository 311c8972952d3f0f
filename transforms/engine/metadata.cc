#include "transforms/engine/metadata.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "transforms/engine/exif.h"

namespace selvage::transforms {
namespace {

// libvips' names of the fields. A whitelist: what a future library version adds is removed.
// Ascending by tag, as a directory wants them.
struct OwnerField {
    const char* name;
    std::size_t tag;  // Exif 2.32 §4.6.2

    bool in(const Image& image) const { return vips_image_get_typeof(image.get(), name) != 0; }
    std::string of(const Image& image) const {
        const char* text = nullptr;
        return vips_image_get_string(image.get(), name, &text) == 0 ? text : "";
    }
};
constexpr OwnerField kArtist{"exif-ifd0-Artist", 0x013B}, kCopyright{"exif-ifd0-Copyright", 0x8298};
constexpr std::array kOwner = {kArtist, kCopyright};
constexpr auto kMovement = std::to_array<std::string_view>({"page-height", "n-pages", "delay", "loop"});

struct NamesDeleter {
    void operator()(char** names) const { g_strfreev(names); }
};

bool kept(std::string_view field) {
    return std::ranges::find(kOwner, field, [](const OwnerField& row) { return std::string_view(row.name); }) != kOwner.end() ||
           std::ranges::find(kMovement, field) != kMovement.end();
}

constexpr std::string_view kExifMark("Exif\0\0", 6);  // that JPEG has before the TIFF, and some writers elsewhere

// Decoders of libvips hand over the whole EXIF block, ours only what we keep: after this all do the latter.
void keep_owner_of_block(VipsImage* image) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (vips_image_get_typeof(image, VIPS_META_EXIF_NAME) == 0) return;
    if (vips_image_get_blob(image, VIPS_META_EXIF_NAME, &bytes, &size) != 0) return;
    std::string_view block(static_cast<const char*>(bytes), size);
    if (block.starts_with(kExifMark)) block.remove_prefix(kExifMark.size());
    const Exif exif = read_exif(block);
    for (const auto& [field, value] : {std::pair(&kArtist, &exif.artist), std::pair(&kCopyright, &exif.copyright)}) {
        vips_image_remove(image, field->name);
        if (!value->empty()) vips_image_set_string(image, field->name, value->c_str());
    }
}

std::string little_endian(std::size_t value, int bytes) {
    std::string text;
    for (int byte = 0; byte < bytes; ++byte, value >>= 8) text.push_back(static_cast<char>(value & 0xff));
    return text;
}

constexpr std::size_t kFieldSize = 12;
constexpr std::size_t kAscii = 2;

}  // namespace

Result<Image> without_private_metadata(const Image& image) {
    Image bare = TRY(with_own_metadata(image));
    keep_owner_of_block(bare.get());
    const std::unique_ptr<char*, NamesDeleter> fields(vips_image_get_fields(bare.get()));
    for (char** field = fields.get(); *field != nullptr; ++field) {
        if (!kept(*field)) vips_image_remove(bare.get(), *field);  // does nothing to width, height and their like
    }
    return bare;
}

bool names_owner(const Image& image) {
    return std::ranges::any_of(kOwner, [&](const OwnerField& field) { return field.in(image); });
}

std::string owner_exif(const Image& image) {
    const auto count = std::ranges::count_if(kOwner, [&](const OwnerField& field) { return field.in(image); });
    if (count == 0) return {};
    std::string directory = little_endian(static_cast<std::size_t>(count), 2), values;
    const std::size_t values_at = 8 + 2 + static_cast<std::size_t>(count) * kFieldSize + 4;
    for (const OwnerField& field : kOwner) {
        if (!field.in(image)) continue;
        std::string value = field.of(image);
        value.push_back('\0');
        directory += little_endian(field.tag, 2) + little_endian(kAscii, 2) + little_endian(value.size(), 4);
        if (value.size() <= 4) {
            value.resize(4, '\0');
            directory += value;
        } else {
            directory += little_endian(values_at + values.size(), 4);
            values += value + std::string(value.size() % 2, '\0');  // offsets are even
        }
    }
    return std::string("II*\0", 4) + little_endian(8, 4) + directory + little_endian(0, 4) + values;
}

std::vector<std::uint32_t> frame_durations(const Image& image, std::size_t frames) {
    constexpr std::uint32_t kUnsaid = 100;
    constexpr int kTooShort = 10;  // browsers show such frames for a tenth of a second
    std::vector<std::uint32_t> durations(frames, kUnsaid);
    int* delays = nullptr;
    int count = 0;
    if (vips_image_get_typeof(image.get(), "delay") == 0 ||
        vips_image_get_array_int(image.get(), "delay", &delays, &count) != 0) {
        return durations;
    }
    for (std::size_t frame = 0; frame < std::min(frames, static_cast<std::size_t>(count)); ++frame)
        if (delays[frame] > kTooShort) durations[frame] = static_cast<std::uint32_t>(delays[frame]);
    return durations;
}

std::uint32_t repetitions(const Image& image) {
    int times = 0;
    if (vips_image_get_typeof(image.get(), "loop") == 0 || vips_image_get_int(image.get(), "loop", &times) != 0) return 0;
    return static_cast<std::uint32_t>(std::max(times, 0));
}

}  // namespace selvage::transforms
