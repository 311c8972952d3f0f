#include <catch2/catch.hpp>

#include <string>

#include "tests/engine/pictures.h"

namespace selvage::transforms::test {
namespace {

Error refusal(std::string_view source, std::string_view query, Format out, const worker::Limits& limits = kLimits) {
    const auto output = rendered(source, query, out, limits);
    REQUIRE_FALSE(output);
    return output.error();
}

// Grey noise: a compressed stream that has to be there to its end.
Image noise(int width, int height) {
    const Image values = made("noise", [&](VipsImage** out) {
                             return vips_gaussnoise(out, width, height, "mean", 128.0, "sigma", 40.0, nullptr);
                         }).value();
    return made("noise", [&](VipsImage** out) { return vips_cast(values.get(), out, VIPS_FORMAT_UCHAR, nullptr); }).value();
}

}  // namespace

SCENARIO("what is no image, or none that we read, is unsupported") {  // image-urls §1.7: 415
    for (const std::string source : {"", "x", "<html></html>", "%PDF-1.7 …", "P6 8 8 255 and pixels", "#!/bin/sh\n", "VIPS",
                                     "BM0000000000000000000000000000000000"}) {
        const Error error = refusal(source, "w=64", Format::Webp);
        INFO(source);
        CHECK(error.kind == ErrorKind::Unsupported);
        CHECK(error.code == "unsupported_source");
    }
}

SCENARIO("a JPEG may end at any byte") {  // also within a segment whose length it gave
    const std::string whole = saved(with_field(solid(16, 16, kRed), "exif-ifd0-Artist", "someone"), ".jpg[Q=50]");
    REQUIRE(whole.find("Exif") != std::string::npos);
    for (std::size_t size = 3; size + 2 < whole.size(); ++size) {
        INFO(size);
        const auto output = rendered(whole.substr(0, size), "w=8", Format::Png);
        if (!output) CHECK(output.error().kind == ErrorKind::Unprocessable);
    }
}

SCENARIO("channels that nobody knows are left out") {
    const Image extra = solid(20, 20, kGrey);
    Image image = solid(20, 20, kRed);
    for (int more = 0; more < 3; ++more) {
        image = made("join", [&](VipsImage** out) { return vips_bandjoin2(image.get(), extra.get(), out, nullptr); }).value();
    }
    for (const Format format : {Format::Png, Format::Jpeg, Format::Webp, Format::Avif}) {
        const auto output = rendered(saved(image, ".tif"), "w=10", format);
        REQUIRE(output);
        CHECK(Seen(output->bytes).bands() <= 4);
    }
}

SCENARIO("only the loaders and savers of our tables can be used at all") {
    engine();
    for (const char* loader : {"svgload", "pdfload_buffer", "magickload_buffer", "rawload", "vipsload", "csvload", "jpegload",
                               "jpegload_source", "ppmload", "openslideload", "jp2kload_buffer"}) {
        VipsOperation* operation = vips_operation_new(loader);
        INFO(loader);
        if (operation == nullptr) continue;  // not built in
        CHECK((vips_operation_get_flags(operation) & VIPS_OPERATION_BLOCKED) != 0);
        g_object_unref(operation);
    }
    vips_error_clear();
}

SCENARIO("a source that ends too early is undecodable") {  // 422
    const Image picture = noise(200, 160);
    const Image graphic = quadrants(200, 160);
    for (const char* suffix : {".jpg", ".png", ".webp", ".gif", ".avif", ".tif"}) {
        const std::string whole = saved(std::string_view(suffix) == ".gif" ? graphic : picture, suffix);
        for (const double part : {0.02, 0.3, 0.6}) {
            INFO(suffix << " " << part);
            const auto output =
                rendered(std::string_view(whole).substr(0, static_cast<std::size_t>(static_cast<double>(whole.size()) * part)),
                         "w=64", Format::Webp);
            REQUIRE_FALSE(output);
            CHECK((output.error().code == "undecodable" || output.error().code == "unsupported_source"));
        }
        CHECK(rendered(whole, "w=64", Format::Webp));
    }
}

SCENARIO("rubbish in the middle neither crashes nor hangs") {
    const Image picture = noise(200, 160);
    for (const char* suffix : {".jpg", ".png", ".webp", ".gif", ".avif", ".tif"}) {
        const std::string whole = saved(picture, suffix);
        for (std::size_t at = 4; at < whole.size(); at += whole.size() / 13) {
            std::string broken = whole;
            for (std::size_t byte = at; byte < std::min(at + 8, broken.size()); ++byte)
                broken[byte] = static_cast<char>(broken[byte] ^ 0x5a);
            const auto output = rendered(broken, "w=64", Format::Jpeg);
            if (output) CHECK(output->width <= 8192);
        }
    }
}

SCENARIO("too many pixels are refused from the header") {  // 422 source_pixels
    const std::string source = saved(quadrants(200, 100), ".png");
    worker::Limits limits = kLimits;
    limits.source_pixels = 200 * 100;
    CHECK(rendered(source, "w=64", Format::Webp, limits));
    limits.source_pixels = 200 * 100 - 1;
    CHECK(refusal(source, "w=64", Format::Webp, limits).code == "source_pixels");
    CHECK(refusal(source, "w=64", Format::Webp, limits).kind == ErrorKind::Unprocessable);
    limits = kLimits;
    limits.source_side = 199;
    CHECK(refusal(source, "w=64", Format::Webp, limits).code == "source_side");
}

SCENARIO("a drawing of too many elements or bytes is refused before it is parsed") {  // protocol-and-limits §7
    const std::string drawing =
        R"(<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><g><!-- none --><g/></g></svg>)";
    worker::Limits limits = kLimits;
    limits.svg_elements = 3;
    CHECK(rendered(drawing, "w=20", Format::Png, limits));
    limits.svg_elements = 2;
    CHECK(refusal(drawing, "w=20", Format::Png, limits).code == "too_many_elements");
    CHECK(refusal(drawing, "w=20", Format::Png, limits).kind == ErrorKind::Unprocessable);
    limits = kLimits;
    limits.svg_bytes = drawing.size() - 1;
    CHECK(refusal(drawing, "w=20", Format::Png, limits).code == "source_too_large");
}

SCENARIO("an output above the limits is refused before anything is decoded") {
    const std::string source = saved(quadrants(200, 100), ".png");
    worker::Limits limits = kLimits;
    limits.output_side = 199;
    CHECK(refusal(source, "fm=webp", Format::Webp, limits).code == "output_side");
    CHECK(rendered(source, "w=199", Format::Webp, limits));
    limits = kLimits;
    limits.output_pixels = 300 * 300 - 1;
    CHECK(refusal(source, "w=300&h=300&fit=pad", Format::Webp, limits).kind == ErrorKind::TooLarge);
    CHECK(refusal(source, "w=300&h=300&fit=pad", Format::Webp, limits).code == "output_pixels");
    THEN("a truncated source shows that nothing was decoded") {
        CHECK(refusal(std::string_view(source).substr(0, source.size() * 3 / 4), "w=300&h=300&fit=pad", Format::Webp, limits)
                  .code == "output_pixels");
    }
    THEN("a side that the format cannot express is told apart") {
        limits.output_pixels = limits.output_side = 1'000'000;
        CHECK(refusal(source, "w=16384&h=1&fit=pad", Format::Webp, limits).code == "format_side");
        CHECK(rendered(source, "w=16384&h=1&fit=pad", Format::Png, limits));
    }
}

SCENARIO("what is enlarged less than was asked says by which limit") {  // image-urls §3
    using worker::Enlarged;
    const std::string source = saved(quadrants(40, 20), ".png");
    const auto enlarged = [&](std::string_view query, worker::Limits limits = kLimits) {
        return rendered(source, query, Format::Webp, limits).value().enlarged;
    };
    for (const std::string_view query : {"w=160&up=1", "w=20&up=1", "w=500", "w=160&h=160&fit=pad&up=1"}) {
        CHECK(enlarged(query) == Enlarged::AsAsked);
    }
    worker::Limits few = kLimits;
    few.upscale_pixels = 80 * 40;
    for (const std::string fit : {"inside", "cover", "crop", "pad", "outside", "stretch"}) {
        CHECK(enlarged("w=300&h=300&up=1&fit=" + fit) == Enlarged::UpTo);
        CHECK(enlarged("w=150&h=150&up=1&fit=" + fit, few) == Enlarged::UpToPixels);
    }
    worker::Limits more = kLimits;
    more.upscale = 8;
    CHECK(enlarged("w=300&up=1", more) == Enlarged::AsAsked);
}

SCENARIO("a format that is no output is refused") {
    const std::string source = saved(quadrants(20, 10), ".png");
    for (const Format out : {Format::Tiff, Format::Svg, Format::Heic, Format::Jxl}) {
        CHECK(refusal(source, "w=10", out).code == "format_disabled");
    }
}

}  // namespace selvage::transforms::test
