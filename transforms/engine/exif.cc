#include "transforms/engine/exif.h"

#include <algorithm>
#include <cstdint>

namespace selvage::transforms {
namespace {

constexpr std::size_t kLongestText = 1000;
constexpr std::size_t kEntry = 12;  // bytes: tag, type, count, value or its place
constexpr unsigned kAscii = 2, kShort = 3;

// The numbers of a TIFF file; 0 beyond its end.
class Tiff {
public:
    explicit Tiff(std::string_view bytes) : bytes_(bytes), big_(bytes.starts_with("MM")) {}

    std::uint32_t number(std::size_t at, std::size_t size) const {
        std::uint32_t value = 0;
        for (std::size_t byte = 0; byte < size; ++byte) {
            const std::size_t place = at + (big_ ? byte : size - 1 - byte);
            value = value << 8 | (place < bytes_.size() ? static_cast<std::uint8_t>(bytes_[place]) : 0);
        }
        return value;
    }

    std::string_view text(std::size_t entry) const {
        const std::size_t length = number(entry + 4, 4);
        const std::size_t at = length <= 4 ? entry + 8 : number(entry + 8, 4);
        return at < bytes_.size() ? bytes_.substr(at, std::min(length, kLongestText)) : std::string_view();
    }

private:
    std::string_view bytes_;
    bool big_;
};

// Strings end with NUL; a copyright may hold two, the first of which may be a blank.
std::string joined(std::string_view text) {
    std::string all;
    while (!text.empty()) {
        const std::string_view part = text.substr(0, text.find('\0'));
        if (part.find_first_not_of(' ') != std::string_view::npos) all.append(all.empty() ? "" : ", ").append(part);
        text.remove_prefix(std::min(text.size(), part.size() + 1));
    }
    return all;
}

void read_entry(const Tiff& tiff, std::size_t entry, Exif& exif) {
    const unsigned tag = tiff.number(entry, 2), type = tiff.number(entry + 2, 2);
    if (tag == 0x0112 && type == kShort) {
        const auto value = static_cast<int>(tiff.number(entry + 8, 2));
        if (value >= 1 && value <= 8) exif.orientation = value;
    }
    if (tag == 0x013B && type == kAscii) exif.artist = joined(tiff.text(entry));
    if (tag == 0x8298 && type == kAscii) exif.copyright = joined(tiff.text(entry));
}

}  // namespace

Exif read_exif(std::string_view bytes) {
    Exif exif;
    if (!bytes.starts_with("II") && !bytes.starts_with("MM")) return exif;
    const Tiff tiff(bytes);
    const std::size_t directory = tiff.number(4, 4);
    const std::size_t entries = tiff.number(directory, 2);
    for (std::size_t index = 0; index < entries && directory + 2 + index * kEntry < bytes.size(); ++index) {
        read_entry(tiff, directory + 2 + index * kEntry, exif);
    }
    return exif;
}

}  // namespace selvage::transforms
