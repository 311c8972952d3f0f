#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "tests/engine/pictures.h"

namespace selvage::transforms::test {
namespace {

constexpr auto kOutputs = {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif};

// A photograph that says too much.
std::string telltale_photo() {
    Image photo = solid(64, 48, kGrey);
    photo = with_field(photo, "exif-ifd0-Copyright", "Anna Example 2026");
    photo = with_field(photo, "exif-ifd0-Artist", "Anna Example");
    photo = with_field(photo, "exif-ifd0-Model", "SecretCam 3000");
    photo = with_field(photo, "exif-ifd2-UserComment", "SecretComment");
    photo = with_field(photo, "exif-ifd3-GPSLatitude", "52/1 31/1 12/1");
    photo = with_field(photo, "exif-ifd3-GPSMapDatum", "SecretDatum");
    const std::string xmp = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>SecretXmp</x:xmpmeta>";
    vips_image_set_blob_copy(photo.get(), VIPS_META_XMP_NAME, xmp.data(), xmp.size());
    return saved(photo, ".jpg");
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
        // to the letter: the length that libvips shows counts the final NUL
        CHECK(after.text("exif-ifd0-Copyright").starts_with("Anna Example 2026 ("));
        CHECK(after.text("exif-ifd0-Copyright").ends_with(", ASCII, 18 components, 18 bytes)"));
        CHECK(after.text("exif-ifd0-Artist").ends_with(", ASCII, 13 components, 13 bytes)"));
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
