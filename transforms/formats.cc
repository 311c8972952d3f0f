#include "transforms/formats.h"

#include <algorithm>
#include <cctype>

#include "base/fields.h"

namespace selvage::transforms {

// Loading: BMP would need ImageMagick, which we do not let near hostile bytes. HEIC and JXL can be loaded where the worker's
// libraries have them; it refuses them as unsupported elsewhere.
const std::array<FormatRow, 10> kFormats = {{
    // format, name, media type, extension, can_load, can_save, alpha, animation
    {Format::Jpeg, "jpeg", "image/jpeg", "jpg", true, true, false, false},
    {Format::Png, "png", "image/png", "png", true, true, true, false},
    {Format::Webp, "webp", "image/webp", "webp", true, true, true, true},
    {Format::Avif, "avif", "image/avif", "avif", true, true, true, true},
    {Format::Gif, "gif", "image/gif", "gif", true, true, true, true},
    {Format::Tiff, "tiff", "image/tiff", "tiff", true, false, true, false},
    {Format::Svg, "svg", "image/svg+xml", "svg", true, false, true, false},
    {Format::Heic, "heic", "image/heic", "heic", true, false, true, false},
    {Format::Bmp, "bmp", "image/bmp", "bmp", false, false, true, false},
    {Format::Jxl, "jxl", "image/jxl", "jxl", true, false, true, false},
}};

const FormatRow& row_of(Format format) { return kFormats[static_cast<std::size_t>(format)]; }

std::optional<Format> format_named(std::string_view name) {
    if (name == "jpg") return Format::Jpeg;
    for (const auto& row : kFormats)
        if (row.name == name) return row.format;
    return {};
}

namespace {

constexpr std::size_t kLongestHead = 1024;  // no kind depends on what stands behind

// The file type box of ISO base media: major brand first, then the compatible ones. "mif1" and "msf1" say only "a HEIF", so
// the first brand that names a codec decides. Source: ISO/IEC 14496-12 §4.3, 23008-12 §10, AV1 Image File Format §6.
std::optional<Format> sniff_brands(std::string_view head) {
    if (head.size() < 12 || head.substr(4, 4) != "ftyp") return {};
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(head[at])); };
    const std::size_t box = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
    const auto brands = head.substr(0, std::min(box, kLongestHead));  // a longer box is read as far as the bytes go
    bool any_heif = false;
    for (std::size_t at = 8; at + 4 <= brands.size(); at += at == 8 ? 8 : 4) {  // the minor version follows the major brand
        const auto brand = brands.substr(at, 4);
        if (brand == "avif" || brand == "avis") return Format::Avif;
        constexpr std::string_view kHevc[] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"};
        if (std::ranges::find(kHevc, brand) != std::end(kHevc)) return Format::Heic;
        any_heif = any_heif || brand == "mif1" || brand == "msf1";
    }
    return any_heif ? std::optional(Format::Heic) : std::nullopt;
}

// Drops what XML allows before the root element: declaration, comments, a document type with its internal subset.
// False at the end of that: `text` begins with an element, or with something that is not XML.
bool skip_prolog_item(std::string_view& text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
    const auto skip_past = [&](std::string_view end) {
        const auto at = text.find(end);
        text.remove_prefix(at == text.npos ? text.size() : at + end.size());
        return true;
    };
    if (text.starts_with("<?")) return skip_past("?>");
    if (text.starts_with("<!--")) return skip_past("-->");
    if (text.starts_with("<!DOCTYPE") || text.starts_with("<!doctype")) {
        const auto mark = text.find_first_of("[>");
        if (mark != text.npos && text[mark] == '[') skip_past("]");
        return skip_past(">");
    }
    return false;
}

bool is_svg(std::string_view head) {
    auto text = head.substr(0, kLongestHead);
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    while (skip_prolog_item(text)) {
    }
    for (const std::string_view root : {"<svg", "<svg:svg"}) {
        if (!text.starts_with(root) || text.size() == root.size()) continue;
        const char next = text[root.size()];
        if (next == '>' || next == '/' || std::isspace(static_cast<unsigned char>(next))) return true;
    }
    return false;
}

// "BM" alone begins many texts: the reserved field must be zero and the header one of the known sizes.
bool is_bmp(std::string_view head) {
    using namespace std::string_view_literals;
    if (!head.starts_with("BM") || head.size() < 18 || head.substr(6, 4) != "\0\0\0\0"sv || head.substr(15, 3) != "\0\0\0"sv)
        return false;
    constexpr unsigned char kHeaderSizes[] = {12, 16, 40, 52, 56, 64, 108, 124};
    return std::ranges::find(kHeaderSizes, static_cast<unsigned char>(head[14])) != std::end(kHeaderSizes);
}

}  // namespace

std::optional<Format> format_of_media_type(std::string_view media_type) {
    for (const auto& row : kFormats)
        if (equals_ignoring_case(row.media_type, media_type)) return row.format;
    return {};
}

std::optional<Format> sniff(std::string_view head) {
    using namespace std::string_view_literals;
    if (head.starts_with("\xFF\xD8\xFF")) return Format::Jpeg;
    if (head.starts_with("\x89PNG\r\n\x1A\n")) return Format::Png;
    if (head.starts_with("GIF87a") || head.starts_with("GIF89a")) return Format::Gif;
    if (head.starts_with("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP") return Format::Webp;
    if (const auto format = sniff_brands(head)) return format;
    // TIFF and BigTIFF, both byte orders.
    for (const auto mark : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
        if (head.starts_with(mark)) return Format::Tiff;
    if (head.starts_with("\xFF\x0A") || head.starts_with("\0\0\0\x0CJXL \r\n\x87\n"sv)) return Format::Jxl;
    if (is_bmp(head)) return Format::Bmp;
    if (is_svg(head)) return Format::Svg;
    return {};
}

}  // namespace selvage::transforms
