// What a container's header says, read without decoding.

#include "transforms/probe.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

using namespace selvage::transforms;
using namespace std::string_literals;

namespace {

// The pieces in a row. (g++ 12 warns of its own operator+ on strings, falsely.)
std::string all_of(std::initializer_list<std::string_view> pieces) {
    std::string text;
    for (const auto piece : pieces) text += piece;
    return text;
}

std::string big32(std::uint32_t number) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 0xFF);
    return text;
}

std::string chunk(const std::string& kind, const std::string& data) {
    return big32(static_cast<std::uint32_t>(data.size())) + kind + data + "crc!";
}

std::string box(const std::string& kind, const std::string& content) {
    return big32(static_cast<std::uint32_t>(8 + content.size())) + kind + content;
}

std::string png(char colour_type, const std::string& chunks = {}) {
    return "\x89PNG\r\n\x1A\n" + chunk("IHDR", big32(640) + big32(480) + "\x08"s + colour_type + "\0\0\0"s) + chunks +
           chunk("IDAT", "x");
}

const std::string kGifHead = "GIF89a\x40\x01\xF0\x00\x80\x00\x00"s + std::string(6, '\x7F');  // 320 × 240, two colours
const std::string kGifPicture = "\x2C\0\0\0\0\x40\x01\xF0\x00\x00\x02\x02\x4C\x01\x00"s;
const std::string kGifLoop = "\x21\xFF\x0BNETSCAPE2.0\x03\x01\x00\x00\x00"s;
const std::string kGifTransparent = "\x21\xF9\x04\x01\x0A\x00\x00\x00"s;

std::string webp(const std::string& first_chunk) { return "RIFF\x64\0\0\0WEBP"s + first_chunk; }

std::string avif(const std::string& brand, const std::string& properties) {
    return box("ftyp", brand + "\0\0\0\0mif1"s) +
           box("meta", "\0\0\0\0"s + box("hdlr", "x") + box("iprp", box("ipco", properties)));
}

std::string extent(std::uint32_t width, std::uint32_t height) { return box("ispe", "\0\0\0\0"s + big32(width) + big32(height)); }

Probe must_probe(const std::string& bytes) {
    const auto found = probe(bytes);
    REQUIRE(found);
    return *found;
}

void check_size(const Probe& found, std::uint32_t width, std::uint32_t height) {
    CHECK(found.width == width);
    CHECK(found.height == height);
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

SCENARIO("a JPEG says its size in the frame header, behind any other segments") {  // T.81 §B.2.2
    const std::string frame = "\xFF\xC2\x00\x11\x08\x01\xE0\x02\x80\x03"s;
    const auto found = must_probe(all_of({"\xFF\xD8\xFF\xE0\x00\x04jj\xFF\xFF\xC4\x00\x03t"s, frame}));
    CHECK(found.format == Format::Jpeg);
    check_size(found, 640, 480);
    CHECK_FALSE(found.alpha);
    THEN("scan data without one says nothing") { check_size(must_probe(all_of({"\xFF\xD8\xFF\xDA\x00\x02"s, frame})), 0, 0); }
}

SCENARIO("a PNG says alpha and animation before its picture") {  // PNG §11.2.1, §11.3
    check_size(must_probe(png(2)), 640, 480);
    CHECK_FALSE(must_probe(png(2)).alpha);
    CHECK(must_probe(png(6)).alpha);
    CHECK(must_probe(png(4)).alpha);
    CHECK(must_probe(png(3, chunk("tRNS", "x"))).alpha);
    CHECK_FALSE(must_probe(png(2)).animated);
    CHECK(must_probe(png(2, chunk("acTL", big32(3) + big32(0)))).animated);
    CHECK_FALSE(must_probe(png(2, chunk("acTL", big32(1) + big32(0)))).animated);
}

SCENARIO("a GIF is animated when a second picture follows") {
    const auto still = must_probe(kGifHead + kGifPicture + ";");
    check_size(still, 320, 240);
    CHECK_FALSE(still.animated);
    CHECK_FALSE(still.alpha);
    CHECK(must_probe(kGifHead + kGifTransparent + kGifPicture + ";").alpha);
    CHECK(must_probe(kGifHead + kGifPicture + kGifTransparent + kGifPicture + ";").animated);
    THEN("one picture does not move, whatever its loop block says") {
        CHECK_FALSE(must_probe(kGifHead + kGifLoop + kGifPicture + ";").animated);
    }
    THEN("in a prefix that ends before the second one, the loop block is believed") {
        CHECK(must_probe(kGifHead + kGifLoop + kGifPicture.substr(0, 12)).animated);
        CHECK_FALSE(must_probe(kGifHead + kGifPicture.substr(0, 12)).animated);
    }
}

SCENARIO("a WebP says all in its first chunk") {  // RFC 9649 §2
    const auto lossy = must_probe(webp("VP8 \x20\0\0\0\x10\0\0\x9D\x01\x2A\x80\x42\xE0\x81"s));
    check_size(lossy, 640, 480);
    CHECK_FALSE(lossy.alpha);
    const auto lossless = must_probe(webp("VP8L\x20\0\0\0\x2F\x7F\xC2\x77\x10"s));
    check_size(lossless, 640, 480);
    CHECK(lossless.alpha);
    const auto extended = must_probe(webp("VP8X\x0A\0\0\0\x12\0\0\0\x7F\x02\x00\xDF\x01\x00"s));
    check_size(extended, 640, 480);
    CHECK(extended.alpha);
    CHECK(extended.animated);
}

SCENARIO("an AVIF or HEIC says its size in an item property") {  // ISO/IEC 23008-12 §6.5
    const auto still = must_probe(avif("avif", extent(640, 480)));
    CHECK(still.format == Format::Avif);
    check_size(still, 640, 480);
    CHECK_FALSE(still.animated);
    CHECK_FALSE(still.alpha);
    CHECK(must_probe(avif("avis", extent(640, 480))).animated);
    CHECK(must_probe(avif("avif", extent(1, 1) + box("auxC", "\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"s))).alpha);
    THEN("tiles and thumbnails are smaller than the picture") {
        check_size(must_probe(avif("heic", extent(512, 512) + extent(4000, 3000) + extent(320, 240))), 4000, 3000);
    }
}

SCENARIO("a JPEG XL says its size in the first bits, in a container or without") {  // ISO/IEC 18181-1 Annex A, 18181-2 §9
    const std::string plain = "\xFF\x0A\xF8\xBE\x01\x01\x3C\xC2\x07\x0C"s;          // libjxl's own
    const std::string large = "\xFF\x0A\x02\x7D\xE8\xED\x0E\x01\xE0\x02"s, clear = "\xFF\x0A\x60\x02\xF4\x80\x9D\x01\x40\x01"s;
    check_size(must_probe(plain), 640, 480);
    check_size(must_probe(large), 6000, 4001);
    check_size(must_probe(clear), 123, 77);
    CHECK_FALSE(must_probe(plain).alpha);
    CHECK_FALSE(must_probe(plain).animated);
    CHECK(must_probe(clear).alpha);
    THEN("heights in eighths and widths by ratio count as well") {
        check_size(must_probe("\xFF\x0A\xD3\x03"s), 160, 80);  // small, 10 × 8, ratio 2:1
    }
    const std::string head = "\0\0\0\x0CJXL \r\n\x87\n"s + box("ftyp", "jxl \0\0\0\0jxl "s);
    check_size(must_probe(head + box("jxlc", plain)), 640, 480);
    check_size(must_probe(head + box("jxll", "\x05") + box("jxlp", "\0\0\0\0"s + plain) + box("jxlp", "\x80\0\0\1rest"s)), 640,
               480);
    THEN("what ends too early has none") {
        check_size(must_probe(plain.substr(0, 3)), 0, 0);
        check_size(must_probe(head + box("jxlp", "\0"s)), 0, 0);
        check_size(must_probe(head), 0, 0);
    }
}

TEST_CASE("an SVG has no size of its own and may let its background through") {
    const auto found = must_probe("<svg width='10'>");
    check_size(found, 0, 0);
    CHECK(found.alpha);
}

TEST_CASE("what is no image has no probe") {
    CHECK_FALSE(probe(""));
    CHECK_FALSE(probe("hello"));
}

TEST_CASE("any prefix of any file, and any byte of it changed, is read without harm") {
    const std::string files[] = {png(6, chunk("acTL", big32(3))),
                                 kGifHead + kGifLoop + kGifTransparent + kGifPicture + kGifPicture,
                                 webp("VP8X\x0A\0\0\0\x12\0\0\0\x7F\x02\x00\xDF\x01\x00"s),
                                 avif("avif", extent(512, 512) + extent(4000, 3000)),
                                 "\xFF\x0A\x60\x02\xF4\x80\x9D\x01\x40\x01"s,
                                 "\0\0\0\x0CJXL \r\n\x87\n"s + box("jxlp", "\0\0\0\0\xFF\x0A\xF8\xBE\x01\x01\x3C\xC2\x07\x0C"s),
                                 "\xFF\xD8\xFF\xE0\x00\x04jj\xFF\xC0\x00\x11\x08\x01\xE0\x02\x80\x03"s};
    for (const auto& file : files) {
        for (std::size_t size = 0; size <= file.size(); ++size) {
            auto damaged = file.substr(0, size);
            damaged.shrink_to_fit();
            probe(damaged);
            if (size == file.size()) continue;
            damaged = file;
            for (const char value : {'\0', '\x01', '\x7F', '\xFF'}) {
                damaged[size] = value;
                probe(damaged);
            }
        }
    }
    SUCCEED();
}

TEST_CASE("real files say what their decoders say") {
    const std::filesystem::path folder(SELVAGE_SHARED_DATA "/images");
    if (!std::filesystem::exists(folder)) return;
    struct Expected {
        std::uint32_t width, height;
        bool animated, alpha;
    };
    const std::map<std::string, Expected> expected = {
        {"a01-squares.gif", {80, 80, true, true}},          {"a03-cogs.gif", {85, 77, true, true}},
        {"a04-loop.webp", {370, 285, true, true}},          {"g03-paper-alpha-3.1mp.png", {2048, 1536, false, true}},
        {"g05-sample-16bit.png", {290, 442, false, false}}, {"h01-ultrahdr-gainmap.jpg", {3840, 2160, false, false}},
        {"p09-wine-9.8mp.jpg", {2560, 3837, false, false}}, {"p10-sunset-12.2mp.jpg", {4272, 2848, false, false}},
        {"v01-cosmos.avif", {2048, 858, false, false}},     {"w02-photo.webp", {1024, 772, false, false}},
        {"w03-alpha.webp", {300, 300, false, true}},        {"x01-giant.jpg", {20000, 14000, false, false}},
        {"x02-truncated.jpg", {2725, 2225, false, false}}};
    for (const auto& [name, facts] : expected) {
        INFO(name);
        const auto found = must_probe(contents(folder / name));
        check_size(found, facts.width, facts.height);
        CHECK(found.animated == facts.animated);
        CHECK(found.alpha == facts.alpha);
        const auto from_prefix = must_probe(contents(folder / name).substr(0, 64 << 10));
        CHECK(from_prefix.width == found.width);
        CHECK(from_prefix.animated == found.animated);
        CHECK(from_prefix.alpha == found.alpha);
    }
}
