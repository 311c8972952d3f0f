#include "transforms/engine/metadata.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/pictures.h"
#include "transforms/engine/exif.h"

namespace selvage::transforms::test {
namespace {

using namespace std::string_literals;

constexpr auto kOutputs = {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif};

// A photograph that says too much.
std::string telltale_photo(const char* suffix = ".jpg") {
    Image photo = solid(64, 48, kGrey);
    photo = with_field(photo, "exif-ifd0-Copyright", "Anna Example 2026");
    photo = with_field(photo, "exif-ifd0-Artist", "Anna Example");
    photo = with_field(photo, "exif-ifd0-Model", "SecretCam 3000");
    photo = with_field(photo, "exif-ifd2-UserComment", "SecretComment");
    photo = with_field(photo, "exif-ifd3-GPSLatitude", "52/1 31/1 12/1");
    photo = with_field(photo, "exif-ifd3-GPSMapDatum", "SecretDatum");
    const std::string xmp = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>SecretXmp</x:xmpmeta>";
    vips_image_set_blob_copy(photo.get(), VIPS_META_XMP_NAME, xmp.data(), xmp.size());
    const std::string iptc = "Photoshop 3.0\0008BIM\4\4\0\0\0\0\0\14\34\2\170\0\6Secret\0"s;
    vips_image_set_blob_copy(photo.get(), VIPS_META_IPTC_NAME, iptc.data(), iptc.size());
    return saved(photo, suffix);
}

}  // namespace

SCENARIO("metadata is removed but copyright") {  // image-urls §1.2 meta=copyright, §3; image-engine §3
    const std::string source = telltale_photo();
    const Seen before(source);
    REQUIRE(before.has("exif-ifd3-GPSLatitude"));
    REQUIRE(before.has(VIPS_META_XMP_NAME));
    REQUIRE(source.find("SecretCam") != std::string::npos);
    for (const Format out : kOutputs) {
        const auto output = rendered(source, "w=32", out);
        REQUIRE(output);
        INFO(row_of(out).name);
        CHECK(output->bytes.find("Secret") == std::string::npos);
        CHECK(output->bytes.find("GPS") == std::string::npos);
        const Seen after(output->bytes);
        CHECK_FALSE(after.has("exif-ifd3-GPSLatitude"));
        CHECK_FALSE(after.has(VIPS_META_XMP_NAME));
        CHECK_FALSE(after.has(VIPS_META_IPTC_NAME));
        if (out == Format::Gif || out == Format::Png) continue;  // no place for it, and none that libvips 8.14 writes
        // to the letter: the length that libvips shows counts the final NUL; some libexifs show a space behind a copyright
        CHECK(after.text("exif-ifd0-Copyright").starts_with("Anna Example 2026 "));
        CHECK(after.text("exif-ifd0-Copyright").ends_with(", ASCII, 18 components, 18 bytes)"));
        CHECK(after.text("exif-ifd0-Artist").ends_with(", ASCII, 13 components, 13 bytes)"));
    }
}

SCENARIO("copyright comes along from every kind of source that says it") {
    for (const char* suffix : {".jpg", ".webp", ".png", ".avif"}) {
        const std::string source = telltale_photo(suffix);
        for (const Format out : {Format::Jpeg, Format::Webp, Format::Avif}) {
            const auto output = rendered(source, "w=32", out);
            INFO(suffix << " to " << row_of(out).name);
            REQUIRE(output);
            CHECK(output->bytes.find("Secret") == std::string::npos);
            const Seen after(output->bytes);
            if (Seen(source).has("exif-ifd0-Copyright"))
                CHECK(after.text("exif-ifd0-Copyright").starts_with("Anna Example 2026 "));
        }
    }
}

SCENARIO("nothing that a format has a place for is there but Exif, and nothing in that but the owner") {
    // What begins a colour profile, XMP, IPTC, a multi-picture index, a comment, a gain map's description.
    constexpr std::string_view kMarks[] = {"ICC_PROFILE", "ICCP",    "iCCP",      "acsp",      "http://ns.adobe.com",
                                           "XMP ",        "xpacket", "Photoshop", "8BIM",      "MPF",
                                           "hdrgm",       "mime",    "iTXt",      "tEXt",      "zTXt",
                                           "eXIf",        "prof",    "rICC",      "\xFF\xFE\0"};
    const std::string source = telltale_photo();
    for (const Format out : kOutputs) {
        const auto output = rendered(source, "w=32", out);
        REQUIRE(output);
        for (const std::string_view mark : kMarks) {
            INFO(row_of(out).name << " " << mark);
            CHECK(output->bytes.find(mark) == std::string::npos);
        }
    }
}

SCENARIO("a file's Exif is read back by others as it was given") {  // Exif 2.32 §4.6.2
    for (const auto& [copyright, artist] : std::vector<std::pair<std::string, std::string>>{
             {"A", "B"}, {"ABC", "ABCD"}, {"ABCDE", "ABCDEF"}, {"© Ünïcode 2026", "名前"}, {std::string(200, 'c'), "a (b) c"}}) {
        Image photo = with_field(solid(64, 48, kGrey), "exif-ifd0-Copyright", copyright.c_str());
        photo = with_field(photo, "exif-ifd0-Artist", artist.c_str());
        const Image bare = without_private_metadata(photo).value();
        const Exif exif = read_exif(owner_exif(bare));
        INFO(copyright << ", " << artist);
        CHECK(exif.copyright == copyright);
        CHECK(exif.artist == artist);
    }
    CHECK(owner_exif(without_private_metadata(solid(4, 4, kGrey)).value()).empty());
}

TEST_CASE("a photograph with a gain map becomes one without") {
    const std::filesystem::path file(SELVAGE_SHARED_DATA "/images/h01-ultrahdr-gainmap.jpg");
    if (!std::filesystem::exists(file)) return;
    std::ifstream stream(file, std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(stream), {}};
    REQUIRE(source.find("MPF") != std::string::npos);
    for (const Format out : kOutputs) {
        const auto output = rendered(source, "w=64", out);
        REQUIRE(output);
        INFO(row_of(out).name);
        for (const char* mark : {"MPF", "hdrgm", "GainMap", "xmpmeta"}) CHECK(output->bytes.find(mark) == std::string::npos);
    }
}

SCENARIO("without a copyright there is no metadata at all") {
    const std::string source = saved(with_field(solid(64, 48, kGrey), "exif-ifd0-Model", "SecretCam"), ".jpg");
    for (const Format out : kOutputs) {
        const auto output = rendered(source, "w=32", out);
        REQUIRE(output);
        INFO(row_of(out).name);
        CHECK(output->bytes.find("Exif") == std::string::npos);
        CHECK(output->bytes.find("EXIF") == std::string::npos);
        CHECK_FALSE(Seen(output->bytes).has(VIPS_META_EXIF_NAME));
    }
}

}  // namespace selvage::transforms::test
