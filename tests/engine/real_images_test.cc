#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/engine/pictures.h"

// Real pictures, where a collection of them is at hand; nothing to do without it.

namespace selvage::transforms::test {
namespace {

std::vector<std::filesystem::path> pictures() {
    std::vector<std::filesystem::path> found;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(SELVAGE_SHARED_DATA "/images", missing)) {
        if (entry.path().extension() != ".md") found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
}

std::string content(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void check_variant(std::string_view source, unsigned width, Format out) {
    const auto output = rendered(source, "w=" + std::to_string(width), out);
    INFO("w=" << width << " " << row_of(out).name << ": " << (output ? "" : output.error().detail));
    REQUIRE(output);
    CHECK(sniff(output->bytes) == out);
    CHECK(output->width == std::min(width, output->source_width));
    const double height = static_cast<double>(output->width) * output->source_height / output->source_width;
    CHECK(output->height == static_cast<std::uint32_t>(std::floor(height + 0.5)));
    const Seen picture(output->bytes);
    CHECK(picture.width() == static_cast<int>(output->width));
    CHECK(picture.height() == static_cast<int>(output->height));
    CHECK((picture.frames() > 1) == (output->frames > 1));  // WebP joins frames that look the same
}

}  // namespace

SCENARIO("every real picture becomes every width and format") {
    for (const auto& file : pictures()) {
        const std::string name = file.filename(), source = content(file);
        INFO(name);
        if (name.starts_with("x01")) {
            CHECK(rendered(source, "w=64", Format::Webp).error().code == "source_side");
        } else if (name == "s02-struct.svg") {  // it has text, for which there are no fonts behind the sandbox
            CHECK(rendered(source, "w=64", Format::Webp).error().code == "unsupported_source");
        } else if (name.starts_with("x")) {
            CHECK(rendered(source, "w=64", Format::Webp).error().kind == ErrorKind::Unprocessable);
        } else {
            for (const unsigned width : {64U, 640U, 1600U}) {
                for (const Format out : {Format::Avif, Format::Webp, Format::Jpeg}) check_variant(source, width, out);
            }
        }
    }
}

SCENARIO("what a real camera held upright is upright") {
    for (const auto& file : pictures()) {
        if (!file.filename().string().starts_with("e0")) continue;
        const auto output = rendered(content(file), "w=64", Format::Jpeg);
        REQUIRE(output);
        const bool portrait = file.filename().string().find("portrait") != std::string::npos;
        CHECK((output->height > output->width) == portrait);
    }
}

}  // namespace selvage::transforms::test
