#include <catch2/catch.hpp>

#include <string>

#include "tests/engine/pictures.h"
#include "transforms/engine/decoders/decoder.h"
#include "transforms/engine/decoders/jpeg_parts.h"
#include "transforms/engine/decoders/jpeg_scans.h"
#include "transforms/engine/exif.h"

namespace selvage::transforms::test {
namespace {

// Waves that become finer to the right: something in every frequency.
std::string waves(const char* suffix) {
    const Image wave = made("waves", [](VipsImage** out) { return vips_zone(out, 800, 600, "uchar", TRUE, nullptr); }).value();
    return saved(wave, suffix);
}

std::string all_of(const std::vector<std::string_view>& pieces) {
    std::string all;
    for (const std::string_view piece : pieces) all += piece;
    return all;
}

}  // namespace

SCENARIO("a JPEG stream is the sum of its parts") {
    const std::string source = waves(".jpg[interlace]");
    const JpegParts parts = parts_of(source);
    CHECK(parts.size == Size{800, 600});
    CHECK(parts.progressive);
    CHECK(parts.complete);
    CHECK(parts.scans.size() > 4);
    CHECK(all_of(pieces_worth_decoding(parts, 1)) == source);
    THEN("of one in a single scan no more than that is looked at") {
        const std::string plain = waves(".jpg");
        CHECK_FALSE(parts_of(plain).progressive);
        CHECK(parts_of(plain).scans.size() == 1);
    }
}

SCENARIO("the smaller the result, the fewer scans of a progressive JPEG are decoded") {
    const std::string source = waves(".jpg[interlace]");
    const JpegParts parts = parts_of(source);
    std::size_t before = source.size() + 1;
    for (const double shrink : {1.0, 4.0, 8.0, 16.0}) {
        const std::size_t size = all_of(pieces_worth_decoding(parts, shrink)).size();
        CHECK(size <= before);
        before = size;
    }
    CHECK(before < source.size() / 2);
}

SCENARIO("a progressive JPEG looks like a plain one of the same picture") {
    const std::string plain = waves(".jpg[Q=90]"), progressive = waves(".jpg[Q=90,interlace]");
    for (const char* width : {"w=40", "w=90", "w=190", "w=330", "w=700"}) {
        const Seen left = seen(plain, width, Format::Png), right = seen(progressive, width, Format::Png);
        REQUIRE(left.width() == right.width());
        double sum = 0;
        for (int y = 0; y < left.height(); y += 3) {
            for (int x = 0; x < left.width(); x += 3) sum += distance(left.at(x, y), right.at(x, y));
        }
        INFO(width);
        CHECK(sum / (left.width() / 3.0 * left.height() / 3.0) < 3);
    }
}

SCENARIO("the pixels of a JPEG are decoded while they are read, and never all in memory") {
    const Image colourful = quadrants(800, 600);
    const Image grey = made("grey", [&](VipsImage** out) {
                           return vips_colourspace(colourful.get(), out, VIPS_INTERPRETATION_B_W, nullptr);
                       }).value();
    for (const Image& picture : {colourful, grey}) {
        for (const char* suffix : {".jpg", ".jpg[interlace]"}) {
            const std::string source = saved(picture, suffix);
            const Image image = load_jpeg(source, {}).value();
            CHECK(image.get()->data == nullptr);
            std::uint32_t rows = 0;
            REQUIRE(for_each_row(image, [&](const std::uint8_t*) { ++rows; }));
            CHECK(rows == 600);
            CHECK(seen(source, "fm=png", Format::Png).height() == 600);  // as large as it is, in all that is done with colours
        }
    }
}

SCENARIO("a JPEG is made narrower and higher at once") {  // libvips resizes it, which reads rows again
    for (const char* suffix : {".jpg", ".jpg[interlace]"}) {
        const Seen output = seen(saved(quadrants(800, 600), suffix), "w=300&h=900&fit=stretch&up=1", Format::Png);
        CHECK(output.width() == 300);
        REQUIRE(output.height() == 900);
        const Seen truth = seen(saved(quadrants(800, 600), ".png"), "w=300&h=900&fit=stretch&up=1", Format::Png);
        for (const int x : {40, 260}) {
            for (const int y : {100, 800}) CHECK(distance(output.at(x, y), truth.at(x, y)) <= 4);
        }
    }
}

SCENARIO("a progressive JPEG that ends too early is undecodable, even where its end is not needed") {
    const std::string source = waves(".jpg[interlace]");
    for (const std::size_t missing : {1000U, 100U, 2U}) {
        const auto output = rendered(std::string_view(source).substr(0, source.size() - missing), "w=50", Format::Png);
        REQUIRE_FALSE(output);
        CHECK(output.error().code == "undecodable");
    }
}

SCENARIO("a JPEG of more than 100 scans is undecodable") {  // protocol-and-limits §7
    const std::string source = waves(".jpg[interlace]");
    const JpegParts parts = parts_of(source);
    std::string many(parts.head);
    for (const JpegScan& scan : parts.scans) many.append(scan.tables).append(scan.data);
    const JpegScan& last = parts.scans.back();
    for (int time = 0; time < 100; ++time) many.append(last.tables).append(last.data);
    const auto output = rendered(many + "\xFF\xD9", "w=50", Format::Png);
    REQUIRE_FALSE(output);
    CHECK(output.error().code == "undecodable");
}

SCENARIO("a grey JPEG and one in ink show their colours") {
    const Image grey = made("grey", [](VipsImage** out) {
                           return vips_colourspace(solid(64, 64, kGrey).get(), out, VIPS_INTERPRETATION_B_W, nullptr);
                       }).value();
    CHECK(distance(seen(saved(grey, ".jpg"), "w=20", Format::Png).at(10, 10), kGrey) <= 2);
    const Image ink = made("ink", [](VipsImage** out) {
                          return vips_colourspace(solid(64, 64, kRed).get(), out, VIPS_INTERPRETATION_CMYK, nullptr);
                      }).value();
    const Colour red = seen(saved(ink, ".jpg[Q=95]"), "w=20", Format::Png).at(10, 10);
    CHECK(red[0] > 200);
    CHECK(red[1] < 70);
    CHECK(red[2] < 70);
}

SCENARIO("whatever bytes call themselves EXIF, they are read within their bounds") {
    const std::string intel("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22);
    const std::string motorola("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 22);
    CHECK(read_exif(intel).orientation == 6);
    CHECK(read_exif(motorola).orientation == 8);
    for (std::size_t size = 0; size < intel.size(); ++size)
        CHECK(read_exif(std::string_view(intel).substr(0, size)).artist.empty());
    const std::string far("II*\0\xFF\xFF\xFF\xFF\x01\0", 10), many("II*\0\x08\0\0\0\xFF\xFF", 10);
    CHECK(read_exif(far).orientation == 1);
    CHECK(read_exif(many).orientation == 1);
}

}  // namespace selvage::transforms::test
