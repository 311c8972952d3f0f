#include "transforms/engine/epoch.h"

#include <fmt/format.h>
#include <link.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/digest.h"

namespace selvage::transforms {
namespace {

// Raised whenever the same plan gives other bytes by a change of ours.
constexpr int kRevision = 5;

constexpr auto kCodecs = std::to_array<std::string_view>(
    {"libvips.", "libvips-cpp.", "libjpeg.", "libpng", "libspng", "libwebp", "libavif", "libyuv", "libheif", "libde265",
     "libjxl.", "libaom", "libdav1d", "libcgif", "libimagequant", "libquantizr", "liblcms2", "libtiff.", "libz."});

bool is_codec(std::string_view file) {
    return std::ranges::any_of(kCodecs, [&](std::string_view prefix) { return file.starts_with(prefix); });
}

// Libraries are loaded by a name that links to the file with the full version: libaom.so.3 → libaom.so.3.6.0.
int note_library(dl_phdr_info* object, std::size_t, void* names) {
    std::error_code error;
    const auto file = std::filesystem::canonical(object->dlpi_name, error).filename().string();
    if (!error && is_codec(file)) static_cast<std::set<std::string>*>(names)->insert(file);
    return 0;
}

}  // namespace

std::string encoder_epoch() {
    std::set<std::string> libraries;
    dl_iterate_phdr(note_library, &libraries);
    const std::string all = fmt::format("{}", fmt::join(libraries, " "));
    return fmt::format("r{}-vips{}.{}.{}-{:016x}", kRevision, vips_version(0), vips_version(1), vips_version(2), checksum64(all));
}

}  // namespace selvage::transforms
