#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/engine/faithful_truth.h"
#include "transforms/engine/loaders.h"

// What is shown is the picture: with its colours, its brightness, its edges, upright; whatever it was stored as. Judged by the
// metric, and by the mean error of the pixels where the metric does not look (fine colour, even shifts).

namespace selvage::transforms::test {

std::string profile_of(const Space& space) {
    const auto be32 = [](std::uint32_t value) {
        return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
                           static_cast<char>(value)};
    };
    const auto fixed = [&](double value) {
        return be32(static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(value * 65536))));
    };
    const std::string none(4, '\0');
    const auto xyz = [&](double x, double y, double z) { return "XYZ " + none + fixed(x) + fixed(y) + fixed(z); };
    const auto column = [&](std::size_t at) { return xyz(space.to_xyz[0][at], space.to_xyz[1][at], space.to_xyz[2][at]); };
    const auto exponent = static_cast<std::uint32_t>(std::lround(space.gamma * 256));
    const std::string curve = "curv" + none + be32(1) + be32(exponent << 16);  // two bytes and two of padding
    const std::string name = "a test's space";
    const std::string description =
        "desc" + none + be32(static_cast<std::uint32_t>(name.size() + 1)) + name + std::string(80, '\0');
    const std::vector<std::pair<const char*, std::string>> tags{{"desc", description}, {"wtpt", xyz(0.9642, 1, 0.8249)},
                                                                {"rXYZ", column(0)},   {"gXYZ", column(1)},
                                                                {"bXYZ", column(2)},   {"rTRC", curve},
                                                                {"gTRC", curve},       {"bTRC", curve}};
    std::string table = be32(static_cast<std::uint32_t>(tags.size())), data;
    const std::size_t begin = 128 + 4 + 12 * tags.size();
    for (const auto& [tag, bytes] : tags) {
        table += tag + be32(static_cast<std::uint32_t>(begin + data.size())) + be32(static_cast<std::uint32_t>(bytes.size()));
        data += bytes + std::string((4 - bytes.size() % 4) % 4, '\0');
    }
    std::string header = none + none + be32(0x02400000) + "mntrRGB XYZ " + std::string(12, '\0') + "acsp" + std::string(28, '\0');
    header += fixed(0.9642) + fixed(1) + fixed(0.8249);
    header.resize(128);
    header.replace(0, 4, be32(static_cast<std::uint32_t>(begin + data.size())));
    return header + table + data;
}

namespace {

std::string made_of(std::string_view source, std::string_view query, Format out) {
    const auto output = rendered(source, query, out);
    INFO(query << ": " << (output ? "" : output.error().detail));
    REQUIRE(output);
    return output->bytes;
}

// Lossless, so that what differs was done by reading, turning, shrinking and converting.
Image shown(std::string_view source, std::string_view query = "fm=png") {
    return decoded_pixels(made_of(source, query, Format::Png));
}

void check_same(const Image& truth, const Image& seen, double least_score, double most_error) {
    const double score_seen = score(truth, seen), error_seen = mean_error(truth, seen);
    INFO("score " << score_seen << ", mean error " << error_seen);
    CHECK(score_seen >= least_score);
    CHECK(error_seen <= most_error);
}

Image with_profile(const Image& image, const std::string& profile) {
    const Image tagged = with_own_metadata(image).value();
    vips_image_set_blob_copy(tagged.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
    return tagged;
}

// The scenery with 16 bits per channel, `at` giving 0…1 of each.
template <typename At>
Image deep(int width, int height, At&& at) {
    engine();
    std::vector<std::uint16_t> values;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            for (const double value : at(x, y)) values.push_back(static_cast<std::uint16_t>(std::lround(value * 65535)));
        }
    }
    VipsImage* image = vips_image_new_from_memory_copy(values.data(), values.size() * 2, width, height, 3, VIPS_FORMAT_USHORT);
    REQUIRE(image != nullptr);
    image->Type = VIPS_INTERPRETATION_RGB16;
    return Image(image);
}

Vector fractions(const Colour& colour) { return {colour[0] / 255.0, colour[1] / 255.0, colour[2] / 255.0}; }

}  // namespace

SCENARIO("how pixels were stored does not show") {
    const Image truth = scenery_of(320, 240);
    THEN("losslessly, in any layout of a file") {
        for (const char* suffix : {".png", ".png[interlace]", ".png[bitdepth=8,compression=0]", ".webp[lossless]", ".tif",
                                   ".tif[tile]", ".tif[compression=lzw,predictor=horizontal]"}) {
            INFO(suffix);
            CHECK(mean_error(truth, shown(saved(truth, suffix))) == 0);
        }
    }
    THEN("with a palette") {
        const auto few = [](int x, int y) { return Colour{(x / 40) * 30, (y / 40) * 40, 128, 255}; };
        const Image drawing = painted(320, 240, 3, few);
        for (const char* suffix : {".png[palette]", ".gif", ".tif[compression=deflate]"}) {
            INFO(suffix);
            check_same(drawing, shown(saved(drawing, suffix)), 99, 0.3);
        }
    }
    THEN("grey stays grey") {
        const Image grey = painted(320, 240, 3, [](int x, int y) {
            const int level = scenery(x, y)[1];
            return Colour{level, level, level, 255};
        });
        const Image band = by_libvips([&](VipsImage** out) { return vips_extract_band(grey.get(), out, 0, nullptr); });
        const Image tagged = by_libvips(
            [&](VipsImage** out) { return vips_copy(band.get(), out, "interpretation", VIPS_INTERPRETATION_B_W, nullptr); });
        CHECK(mean_error(grey, shown(saved(tagged, ".png"))) == 0);
        check_same(grey, shown(saved(tagged, ".jpg[Q=98]")), 88, 1.5);
        const Image seen = shown(saved(tagged, ".jpg[Q=80]"));
        const Pixels pixels = all_pixels(seen);
        for (std::size_t at = 0; at < pixels.size.area(); ++at) {
            REQUIRE(pixels.data[3 * at] == pixels.data[3 * at + 1]);
            REQUIRE(pixels.data[3 * at] == pixels.data[3 * at + 2]);
        }
    }
    THEN("with 16 bits, of which the upper ones are shown") {
        const Image source = deep(320, 240, [](int x, int y) { return fractions(scenery(x, y)); });
        check_same(truth, shown(saved(source, ".png")), 99, 0.01);
        const Image ramp = deep(320, 64, [](int x, int y) {
            const double value = (x + y / 64.0) / 320.0;
            return Vector{value, value, value};
        });
        const Image even = painted(320, 64, 3, [](int x, int y) {
            const int level = static_cast<int>((x + y / 64.0) / 320.0 * 255 + 0.5);
            return Colour{level, level, level, 255};
        });
        check_same(even, shown(saved(ramp, ".png")), 95, 0.6);
    }
}

SCENARIO("a JPEG's colours and edges are the picture's, however they were sampled and ordered") {
    const Image truth = scenery_of(320, 240);
    for (const char* suffix : {".jpg[Q=97,subsample_mode=off]", ".jpg[Q=97,subsample_mode=off,interlace]"}) {
        INFO(suffix);
        check_same(truth, shown(saved(truth, suffix)), 88, 2);
    }
    for (const char* suffix : {".jpg[Q=97,subsample_mode=on]", ".jpg[Q=97,subsample_mode=on,interlace]"}) {
        INFO(suffix);
        check_same(truth, shown(saved(truth, suffix)), 80, 4);
    }
    THEN("progressive or not is the same") {
        const Image baseline = shown(saved(truth, ".jpg[Q=90]")), progressive = shown(saved(truth, ".jpg[Q=90,interlace]"));
        CHECK(mean_error(baseline, progressive) == 0);
    }
    THEN("odd sides lose nothing") {
        for (const auto& [width, height] : {std::pair{1, 1}, {3, 7}, {17, 33}, {161, 119}}) {
            INFO(width << "x" << height);
            const Image odd = scenery_of(width, height);
            check_same(odd, shown(saved(odd, ".jpg[Q=98,subsample_mode=off]")), 80, 2.5);
            for (const Format out : {Format::Jpeg, Format::Webp, Format::Avif}) {
                const Image small = decoded_pixels(made_of(saved(odd, ".png"), "q=95", out));
                CHECK(small.width() == odd.width());
                CHECK(small.height() == odd.height());
            }
        }
    }
}

SCENARIO("a small copy of a large JPEG is the picture made smaller, whatever the decoder leaves out") {
    const Image large = scenery_of(1280, 960);
    for (const char* suffix : {".jpg[Q=92]", ".jpg[Q=92,interlace]", ".jpg[Q=92,interlace,subsample_mode=off]"}) {
        const std::string source = saved(large, suffix);
        for (const auto& [width, least] : {std::pair{640, 85.0}, {320, 85.0}, {160, 80.0}, {100, 75.0}}) {
            INFO(suffix << " to " << width);
            const std::string query = "w=" + std::to_string(width);
            check_same(truth_of(source, width), shown(source, query), least, 3);
        }
    }
}

SCENARIO("every picture is upright") {  // EXIF 2.32 §4.6.4, Orientation
    const Image truth = scenery_of(240, 160), small = truth_of(saved(truth, ".png"), 120);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        INFO("orientation " << orientation);
        const Image stored = stored_for_orientation(truth, orientation);
        check_same(truth, shown(saved(stored, ".jpg[Q=97,subsample_mode=off]")), 88, 2);
        check_same(small, shown(saved(stored, ".jpg[Q=97,subsample_mode=off]"), "w=120"), 85, 3);
    }
}

SCENARIO("a colour is the same colour, whatever space its numbers are of") {
    const Image truth = scenery_of(320, 240);
    const auto in_profile = [&](const char* profile, int depth) {
        return by_libvips([&](VipsImage** out) {
            return vips_icc_transform(truth.get(), out, profile, "input_profile", "srgb", "depth", depth, nullptr);
        });
    };
    THEN("Display P3") {
        const std::string source = saved(in_profile("p3", 8), ".png");
        CHECK(mean_error(truth, decoded_pixels(source)) > 2);  // its numbers are others
        check_same(truth, shown(source), 92, 1);
        check_same(truth, shown(saved(in_profile("p3", 16), ".png")), 95, 0.8);
        check_same(truth_of(saved(truth, ".png"), 160), shown(source, "w=160"), 90, 1.2);
    }
    THEN("ProPhoto, by a profile of our own writing") {
        const Image source =
            with_profile(deep(320, 240, [](int x, int y) { return kProPhoto.encoded(scenery(x, y)); }), profile_of(kProPhoto));
        check_same(truth, shown(saved(source, ".png")), 95, 0.8);
        check_same(truth, decoded_pixels(made_of(saved(source, ".png"), "q=95", Format::Webp)), 75, 5);
    }
    THEN("CMYK, as far as ink goes") {
        const std::string source = saved(in_profile("cmyk", 8), ".jpg[Q=98]");
        check_same(truth, shown(source), 70, 9);  // libvips 8.18 has other inks
    }
    THEN("what sRGB cannot show becomes the nearest that it can") {
        const auto seen = [](const Colour& colour) {
            const Image plain = by_libvips([&](VipsImage** out) {
                return vips_icc_transform(solid(32, 32, kGrey).get(), out, "p3", "input_profile", "srgb", nullptr);
            });
            const Image painted_p3 = painted(32, 32, 3, [&](int, int) { return colour; });
            const void* profile = nullptr;
            std::size_t size = 0;
            REQUIRE(vips_image_get_blob(plain.get(), VIPS_META_ICC_NAME, &profile, &size) == 0);
            const std::string bytes(static_cast<const char*>(profile), size);
            return Seen(made_of(saved(with_profile(painted_p3, bytes), ".png"), "fm=png", Format::Png)).at(16, 16);
        };
        CHECK(distance(seen(kRed), kRed) <= 6);
        CHECK(distance(seen(kGreen), kGreen) <= 6);
        CHECK(distance(seen(kBlue), kBlue) <= 6);
        CHECK(distance(seen(kWhitePixel), kWhitePixel) <= 1);
        CHECK(distance(seen(kGrey), kGrey) <= 1);
    }
}

namespace {

// A disc with a soft edge. What it hides is green, which nobody may ever see.
Colour disc(double x, double y, double radius, double centre) {
    const double outside = std::hypot(x - centre, y - centre) - radius;
    const int alpha = static_cast<int>(255 * std::clamp(0.5 - outside / 2, 0.0, 1.0) + 0.5);
    return alpha == 0 ? Colour{0, 255, 0, 0} : Colour{200, 40, 60, alpha};
}

Image over(const Image& image, double ground) {
    if (!image.has_alpha()) return image;
    const std::array<double, 3> colour{ground, ground, ground};
    const ColourArray background(vips_array_double_new(colour.data(), 3));
    return in_memory(by_libvips([&](VipsImage** out) {
               return vips_flatten(image.get(), out, "background", background.get(), nullptr);
           }))
        .value();
}

}  // namespace

SCENARIO("what shows through keeps its shape and its colour, without a halo") {
    const Image truth = painted(120, 120, 4, [](int x, int y) { return disc(x, y, 40, 59.5); });
    const std::string source = saved(truth, ".png");
    CHECK(mean_error(over(truth, 0), over(shown(source), 0)) == 0);
    const Image small = painted(60, 60, 4, [](int x, int y) { return disc(2 * x + 0.5, 2 * y + 0.5, 40, 59.5); });
    for (const auto& [out, least] : {std::pair{Format::Png, 85.0}, {Format::Webp, 55.0}, {Format::Avif, 55.0}}) {
        const Image seen = decoded_pixels(made_of(source, "w=60&q=90", out));
        for (const double ground : {0.0, 128.0, 255.0}) {
            INFO(row_of(out).name << " over " << ground);
            const Image truth_over = over(small, ground), seen_over = over(seen, ground);
            check_same(truth_over, seen_over, least, 2.5);
            const Pixels pixels = all_pixels(seen_over);
            int greenest = 0;
            for (std::size_t at = 0; at < pixels.size.area(); ++at) {
                greenest = std::max(greenest, pixels.data[3 * at + 1] - std::max(static_cast<int>(ground), 40));
            }
            CHECK(greenest <= 25);
        }
    }
    THEN("a JPEG shows it on the ground that was asked for, white without one") {
        check_same(over(truth, 255), decoded_pixels(made_of(source, "q=95", Format::Jpeg)), 70, 2);
        check_same(over(truth, 0), decoded_pixels(made_of(source, "q=95&bg=000", Format::Jpeg)), 70, 2);
    }
}

SCENARIO("of a picture with a gain map the base is shown, and nothing of the map is left") {  // ISO 21496-1; Ultra HDR
    const Image base = scenery_of(320, 240),
                map = painted(80, 60, 3, [](int x, int) { return Colour{x * 3, x * 3, x * 3, 255}; });
    const Image tagged = with_own_metadata(base).value();
    const std::string about =
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
        "xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/' hdrgm:Version='1.0'/></rdf:RDF></x:xmpmeta>";
    vips_image_set_blob_copy(tagged.get(), VIPS_META_XMP_NAME, about.data(), about.size());
    const std::string plain = saved(base, ".jpg[Q=95]"), whole = saved(tagged, ".jpg[Q=95]") + saved(map, ".jpg[Q=90]");
    CHECK(mean_error(shown(plain), shown(whole)) == 0);
    for (const Format out : {Format::Jpeg, Format::Webp, Format::Avif, Format::Png}) {
        INFO(row_of(out).name);
        const std::string bytes = made_of(whole, "w=200", out);
        CHECK(bytes.find("hdrgm") == std::string::npos);
        CHECK(bytes.find("hdr-gain-map") == std::string::npos);
    }
}

SCENARIO("every frame of an animation is the picture that it was") {
    const auto frame = [](int shift) {
        return painted(96, 64, 3, [=](int x, int y) { return Colour{((x + shift) / 12 % 2) * 200 + 30, y * 3, 90, 255}; });
    };
    const std::vector<Image> frames{frame(0), frame(4), frame(8)};
    const std::string source = saved(strip_of(frames, {80, 80, 120}, 0), ".gif[effort=10,dither=0]");
    for (const Format out : {Format::Gif, Format::Webp, Format::Avif}) {
        if (!row_of(out).animation) continue;
        INFO(row_of(out).name);
        const std::string bytes = made_of(source, "q=90", out);
        const auto loaded = loader_of(out)->load(bytes, {.all_frames = true});
        REQUIRE(loaded);
        const Image strip = in_memory(*loaded).value();
        REQUIRE(strip.height() == 3 * 64);
        for (std::uint32_t number = 0; number < frames.size(); ++number) {
            INFO("frame " << number);
            const Image seen = in_memory(by_libvips([&](VipsImage** image) {
                                   return vips_crop(strip.get(), image, 0, static_cast<int>(number) * 64, 96, 64, nullptr);
                               })).value();
            const Image colour =
                by_libvips([&](VipsImage** image) { return vips_extract_band(seen.get(), image, 0, "n", 3, nullptr); });
            check_same(frames[number], in_memory(colour).value(), 60, 8);
        }
    }
}

namespace {

std::string content(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

SCENARIO("real pictures of every kind are what libvips makes of them in floating point") {  // where a collection is at hand
    for (const char* name : {"c01-cmyk.jpg", "e01-landscape-exif6.jpg", "e02-portrait-exif8.jpg", "g03-paper-alpha-3.1mp.png",
                             "g04-blackbug-alpha.png", "g05-sample-16bit.png", "g06-flag-16bit.png", "g07-p3-icc.png",
                             "g08-prophoto-icc.png", "h01-ultrahdr-gainmap.jpg", "p01-storm-2.5mp.jpg", "p05-life-6.3mp.jpg"}) {
        const std::filesystem::path file = std::filesystem::path(SELVAGE_SHARED_DATA "/images") / name;
        if (!std::filesystem::exists(file)) continue;
        INFO(name);
        const std::string source = content(file);
        const Image seen = shown(source, "w=480");
        const Image truth = truth_of(source, static_cast<int>(seen.width()));
        for (const double ground : {0.0, 255.0}) check_same(over(truth, ground), over(seen, ground), 80, 5);
    }
}

}  // namespace selvage::transforms::test
