#include "transforms/engine/formats/webp_container.h"

#include <cstdint>
#include <optional>

namespace selvage::transforms {
namespace {

constexpr std::size_t kFileHeader = 12;
constexpr std::size_t kChunkHeader = 8;
constexpr int kExif = 0x08, kXmp = 0x04;  // bits of VP8X's flags

std::uint32_t little_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t at = 4; at-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at]);
    return value;
}

std::string little_endian(std::size_t value) {
    std::string bytes;
    for (int byte = 0; byte < 4; ++byte, value >>= 8) bytes.push_back(static_cast<char>(value & 0xff));
    return bytes;
}

// The next chunk with its header and padding; nothing at the end, or when it is cut off.
std::optional<std::string_view> next_chunk(std::string_view& rest) {
    if (rest.size() < kChunkHeader) return std::nullopt;
    const std::uint64_t payload = little_endian(rest.substr(4, 4));
    const std::uint64_t size = kChunkHeader + payload + payload % 2;
    if (size > rest.size()) return std::nullopt;
    const auto chunk = rest.substr(0, size);
    rest.remove_prefix(size);
    return chunk;
}

std::string extended_header_without_metadata(std::string_view chunk) {
    std::string header(chunk);
    if (header.size() <= kChunkHeader) return header;
    const int flags = static_cast<std::uint8_t>(header[kChunkHeader]) & ~(kExif | kXmp);
    header[kChunkHeader] = static_cast<char>(flags);
    return flags == 0 ? std::string() : header;
}

}  // namespace

std::string without_webp_metadata(std::string_view webp) {
    if (webp.size() < kFileHeader) return std::string(webp);
    std::string chunks = "WEBP";
    std::string_view rest = webp.substr(kFileHeader);
    while (const auto chunk = next_chunk(rest)) {
        const auto name = chunk->substr(0, 4);
        if (name == "EXIF" || name == "XMP ") continue;
        chunks += name == "VP8X" ? extended_header_without_metadata(*chunk) : std::string(*chunk);
    }
    if (!rest.empty()) return std::string(webp);
    return "RIFF" + little_endian(chunks.size()) + chunks;
}

}  // namespace selvage::transforms
