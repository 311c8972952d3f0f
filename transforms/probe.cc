#include "transforms/probe.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "transforms/jxl_header.h"

namespace selvage::transforms {
namespace {

// Reading that never leaves the bytes: what is not there reads as zero, and the cursor stops at the end.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

    std::uint32_t byte(std::size_t at) const { return at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : 0; }
    std::uint32_t big16(std::size_t at) const { return byte(at) << 8 | byte(at + 1); }
    std::uint32_t big32(std::size_t at) const { return big16(at) << 16 | big16(at + 2); }
    std::uint32_t little16(std::size_t at) const { return byte(at) | byte(at + 1) << 8; }
    std::uint32_t little24(std::size_t at) const { return little16(at) | byte(at + 2) << 16; }
    std::uint32_t little32(std::size_t at) const { return little16(at) | little16(at + 2) << 16; }
    std::string_view text(std::size_t at, std::size_t length) const {
        return at < bytes_.size() ? bytes_.substr(at, length) : std::string_view();
    }
    std::size_t size() const { return bytes_.size(); }

private:
    std::string_view bytes_;
};

// Markers until the frame header (SOF0…15 but DHT, JPG, DAC). Source: ITU-T T.81 §B.1.1, §B.2.2.
void probe_jpeg(Bytes bytes, Probe& probe) {
    std::size_t at = 2;
    while (at + 4 <= bytes.size() && bytes.byte(at) == 0xFF) {
        const auto marker = bytes.byte(at + 1);
        if (marker == 0xFF || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {  // fill byte, or a marker without length
            at += marker == 0xFF ? 1 : 2;
            continue;
        }
        if (marker == 0xD9 || marker == 0xDA) return;  // end, or scan data before any frame header
        if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
            probe.height = bytes.big16(at + 5);
            probe.width = bytes.big16(at + 7);
            probe.progressive = (marker & 3) == 2;  // SOF2, SOF6, SOF10, SOF14: §B.1.1.3
            return;
        }
        at += 2 + std::max<std::size_t>(2, bytes.big16(at + 2));
    }
}

// Chunks until the picture data. Source: PNG third edition §5.3, §11.2.1 (IHDR), §11.3.1.1 (tRNS), §11.3.1.2 (acTL).
void probe_png(Bytes bytes, Probe& probe) {
    std::size_t at = 8;
    while (at + 8 <= bytes.size()) {
        const auto kind = bytes.text(at + 4, 4);
        const std::size_t data = at + 8;
        if (kind == "IHDR") {
            probe.width = bytes.big32(data);
            probe.height = bytes.big32(data + 4);
            probe.alpha = (bytes.byte(data + 9) & 4) != 0;  // colour types 4 and 6
        }
        if (kind == "tRNS") probe.alpha = true;
        if (kind == "acTL") probe.animated = bytes.big32(data) > 1;
        if (kind == "IDAT" || kind == "IEND") return;
        at = data + bytes.big32(at) + 4;
    }
}

// Behind a chain of GIF sub-blocks, each led by its length, ended by an empty one.
std::size_t skip_sub_blocks(Bytes bytes, std::size_t at) {
    while (at < bytes.size() && bytes.byte(at) != 0) at += 1 + bytes.byte(at);
    return at + 1;
}

std::size_t gif_colour_table(std::uint32_t packed) { return packed & 0x80 ? std::size_t{3} << ((packed & 7) + 1) : 0; }

// Blocks until the second picture. Source: GIF89a §15 (grammar), §18–24.
void probe_gif(Bytes bytes, Probe& probe) {
    probe.width = bytes.little16(6);
    probe.height = bytes.little16(8);
    std::size_t at = 13 + gif_colour_table(bytes.byte(10));
    unsigned pictures = 0;
    bool loops = false;
    while (at < bytes.size()) {
        const auto block = bytes.byte(at);
        if (block == 0x2C) {
            if (++pictures == 2) break;
            at = skip_sub_blocks(bytes, at + 11 + gif_colour_table(bytes.byte(at + 9)));
        } else if (block == 0x21) {
            if (bytes.byte(at + 1) == 0xF9) probe.alpha = probe.alpha || (bytes.byte(at + 3) & 1) != 0;
            if (bytes.byte(at + 1) == 0xFF) loops = loops || bytes.text(at + 3, 8) == "NETSCAPE";
            at = skip_sub_blocks(bytes, at + 2);
        } else {
            break;  // the trailer, or damage
        }
    }
    const bool cut_short = at >= bytes.size();  // a prefix that ends before the second picture: believe the loop block
    probe.animated = pictures == 2 || (cut_short && loops);
}

// The first chunk says it all. Source: RFC 9649 §2.5–2.7; RFC 6386 §9.1; the lossless bitstream's §3.
void probe_webp(Bytes bytes, Probe& probe) {
    const auto kind = bytes.text(12, 4);
    if (kind == "VP8X") {
        probe.animated = (bytes.byte(20) & 0x02) != 0;
        probe.alpha = (bytes.byte(20) & 0x10) != 0;
        if (bytes.size() < 30) return;
        probe.width = bytes.little24(24) + 1;
        probe.height = bytes.little24(27) + 1;
    } else if (kind == "VP8L" && bytes.byte(20) == 0x2F && bytes.size() >= 25) {
        const auto packed = bytes.little32(21);
        probe.width = (packed & 0x3FFF) + 1;
        probe.height = (packed >> 14 & 0x3FFF) + 1;
        probe.alpha = (packed >> 28 & 1) != 0;
    } else if (kind == "VP8 " && bytes.text(23, 3) == "\x9D\x01\x2A") {
        probe.width = bytes.little16(26) & 0x3FFF;
        probe.height = bytes.little16(28) & 0x3FFF;
    }
}

struct Box {
    std::string_view kind;
    std::string_view content;
};

// The next box of ISO base media, cut at the end of the bytes; nothing when there is none. Source: ISO/IEC 14496-12 §4.2.
std::optional<Box> next_box(std::string_view& rest) {
    const Bytes bytes(rest);
    if (rest.size() < 8) return {};
    const bool large = bytes.big32(0) == 1;
    std::uint64_t size = large ? std::uint64_t{bytes.big32(8)} << 32 | bytes.big32(12) : bytes.big32(0);
    if (size == 0) size = rest.size();  // until the end of the file
    const std::size_t header = large ? 16 : 8;
    if (size < header || rest.size() < header) return {};
    const auto whole = rest.substr(0, size);
    rest.remove_prefix(whole.size());
    return Box{.kind = whole.substr(4, 4), .content = whole.substr(header)};
}

std::optional<std::string_view> box_named(std::string_view boxes, std::string_view kind) {
    while (const auto box = next_box(boxes))
        if (box->kind == kind) return box->content;
    return {};
}

// Item properties: the largest extent is the picture (tiles and thumbnails are smaller), an auxiliary picture of one of two
// names is its alpha. Source: ISO/IEC 23008-12 §6.5.3 (ispe), §6.5.8 (auxC); AV1 Image File Format §4.
void probe_heif(std::string_view file, Probe& probe) {
    const auto brands = box_named(file, "ftyp").value_or("");
    for (std::size_t at = 0; at + 4 <= brands.size(); at += at == 0 ? 8 : 4) {
        const auto brand = brands.substr(at, 4);
        probe.animated = probe.animated || brand == "avis" || brand == "hevc" || brand == "hevx";
    }
    const auto meta = box_named(file, "meta");
    if (!meta || meta->size() < 4) return;
    const auto properties = box_named(meta->substr(4), "iprp");  // behind version and flags
    auto rest = properties ? box_named(*properties, "ipco").value_or("") : std::string_view();
    while (const auto box = next_box(rest)) {
        const Bytes content(box->content);
        if (box->kind == "ispe" &&
            std::uint64_t{content.big32(4)} * content.big32(8) > std::uint64_t{probe.width} * probe.height) {
            probe.width = content.big32(4);
            probe.height = content.big32(8);
        }
        if (box->kind == "auxC")
            probe.alpha = probe.alpha || box->content.contains(":auxiliary:alpha") || box->content.contains("auxid:1");
    }
}

// A codestream as it is, or in boxes; the first part of one that comes in several has its header, behind the part's number.
// Source: ISO/IEC 18181-2 §9.
void probe_jxl(std::string_view file, Probe& probe) {
    std::string_view codestream = file;
    if (!file.starts_with("\xFF\x0A")) {
        const auto part = box_named(file, "jxlp").value_or("");
        codestream = box_named(file, "jxlc").value_or(part.substr(std::min<std::size_t>(4, part.size())));
    }
    const JxlHeader header = read_jxl_header(codestream);
    probe.width = header.width;
    probe.height = header.height;
    probe.animated = header.animated;
    probe.alpha = header.alpha;
}

void probe_bmp(Bytes bytes, Probe& probe) {
    if (bytes.byte(14) == 12) return;  // the OS/2 header, with 16-bit sides
    probe.width = bytes.little32(18);
    const auto height = bytes.little32(22);
    probe.height = height >> 31 ? 0U - height : height;  // negative: stored from the top
}

}  // namespace

std::optional<Probe> probe(std::string_view bytes) {
    const auto format = sniff(bytes);
    if (!format) return {};
    Probe found{.format = *format};
    switch (*format) {
        case Format::Jpeg:
            probe_jpeg(Bytes(bytes), found);
            break;
        case Format::Png:
            probe_png(Bytes(bytes), found);
            break;
        case Format::Webp:
            probe_webp(Bytes(bytes), found);
            break;
        case Format::Gif:
            probe_gif(Bytes(bytes), found);
            break;
        case Format::Avif:
        case Format::Heic:
            probe_heif(bytes, found);
            break;
        case Format::Bmp:
            probe_bmp(Bytes(bytes), found);
            break;
        case Format::Svg:
            found.alpha = true;
            break;  // a canvas without background, its size in any unit
        case Format::Jxl:
            probe_jxl(bytes, found);
            break;
        case Format::Tiff:
            break;
    }
    return found;
}

}  // namespace selvage::transforms
