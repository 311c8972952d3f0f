// Image kinds by name and by content.

#include "transforms/formats.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace selvage::transforms;
using namespace std::string_literals;

TEST_CASE("the table of formats is in the order of the enum, and every name finds its row") {
    for (std::size_t i = 0; i < kFormats.size(); ++i) {
        const auto& row = kFormats[i];
        CHECK(static_cast<std::size_t>(row.format) == i);
        CHECK(&row_of(row.format) == &row);
        CHECK(format_named(row.name) == row.format);
        CHECK(format_of_media_type(row.media_type) == row.format);
    }
    CHECK(format_named("jpg") == Format::Jpeg);
    CHECK(format_of_media_type("Image/JPEG") == Format::Jpeg);
    CHECK_FALSE(format_named(""));
    CHECK_FALSE(format_named("JPEG"));
    CHECK_FALSE(format_of_media_type("image/*"));
}

TEST_CASE("this version writes jpeg, png, webp, avif and gif") {
    std::string written;
    for (const auto& row : kFormats)
        if (row.can_save) written += std::string(row.name) + " ";
    CHECK(written == "jpeg png webp avif gif ");
}

SCENARIO("the content says what an image is, never the name") {
    CHECK(sniff("\xFF\xD8\xFF\xE0") == Format::Jpeg);
    CHECK(sniff("\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s) == Format::Png);
    CHECK(sniff("GIF87a") == Format::Gif);
    CHECK(sniff("GIF89a") == Format::Gif);
    CHECK(sniff("RIFF\x10\0\0\0WEBPVP8 "s) == Format::Webp);
    CHECK(sniff("II*\0\x08\0\0\0"s) == Format::Tiff);
    CHECK(sniff("MM\0*\0\0\0\x08"s) == Format::Tiff);
    CHECK(sniff("MM\0+\0\x08\0\0"s) == Format::Tiff);
    CHECK(sniff("\xFF\x0A") == Format::Jxl);
    CHECK(sniff("\0\0\0\x0CJXL \r\n\x87\n"s) == Format::Jxl);
    CHECK(sniff("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"s) == Format::Bmp);

    THEN("ISO media is known by its brands, wherever the one that names a codec stands") {
        const auto file = [](const std::string& brands) {
            return "\0\0\0"s + static_cast<char>(12 + brands.size()) + "ftyp" + brands.substr(0, 4) + "\0\0\0\0"s +
                   brands.substr(4);
        };
        CHECK(sniff(file("avif")) == Format::Avif);
        CHECK(sniff(file("avis")) == Format::Avif);
        CHECK(sniff(file("mif1avifmiaf")) == Format::Avif);
        CHECK(sniff(file("heic")) == Format::Heic);
        CHECK(sniff(file("heix")) == Format::Heic);
        CHECK(sniff(file("mif1heic")) == Format::Heic);
        CHECK(sniff(file("mif1")) == Format::Heic);
        CHECK_FALSE(sniff(file("isom")));           // a film
        CHECK_FALSE(sniff(file("isom") + "avif"));  // behind the end of the box
    }
    THEN("SVG is an svg root element behind what XML allows before it") {
        CHECK(sniff("<svg xmlns='http://www.w3.org/2000/svg'/>") == Format::Svg);
        CHECK(sniff("\xEF\xBB\xBF \n<?xml version='1.0'?>\n<!-- a <svg> --><!DOCTYPE svg PUBLIC '-' 'x'>\n<svg>") == Format::Svg);
        CHECK(sniff("<!DOCTYPE svg [ <!ENTITY a '<b>'> ]>\n<svg:svg xmlns:svg='http://www.w3.org/2000/svg'>") == Format::Svg);
        CHECK_FALSE(sniff("<html><svg></svg></html>"));
        CHECK_FALSE(sniff("<svgx>"));
        CHECK_FALSE(sniff("<!-- <svg> "));
        std::string late(1020, ' ');
        late += "<svg>";
        CHECK_FALSE(sniff(late));
    }
    THEN("anything else is no image") {
        for (const auto& text :
             {""s, "B"s, "BM is a make of car"s, "RIFF\0\0\0\0WAVE"s, "GIF90a"s, "%PDF-1.7"s, "PK\x03\x04"s, "\xFF\xD8"s})
            CHECK_FALSE(sniff(text));
    }
}

TEST_CASE("real files are recognised from their first kilobyte") {
    const std::filesystem::path folder(SELVAGE_SHARED_DATA "/images");
    if (!std::filesystem::exists(folder)) return;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".md") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::string head(1024, '\0');
        head.resize(static_cast<std::size_t>(file.read(head.data(), 1024).gcount()));
        const auto format = sniff(head);
        INFO(entry.path());
        REQUIRE(format);
        CHECK("." + std::string(row_of(*format).extension) == entry.path().extension());
    }
}
