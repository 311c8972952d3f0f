#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/file_descriptor.h"
#include "tests/engine/pictures.h"

namespace selvage::transforms::test {

namespace {

std::string drawing(std::string_view inside) {
    std::string text =
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='400' height='200'>";
    text += inside;
    text += "</svg>";
    return text;
}

}  // namespace

SCENARIO("an SVG is drawn at the size that is asked for") {  // image-urls §3: rasterised when `fm` asks for it
    const std::string source = drawing("<rect width='200' height='200' fill='#ff0000'/>");
    const auto output = rendered(source, "w=100", Format::Png);
    REQUIRE(output);
    CHECK(output->width == 100);
    CHECK(output->height == 50);
    CHECK(output->source_width == 400);
    THEN("it is not enlarged unasked, although it could be without loss") {
        CHECK(rendered(source, "w=1600", Format::Png)->width == 400);
        CHECK(rendered(source, "w=1600&up=1", Format::Png)->width == 1600);
    }
}

SCENARIO("an SVG loads nothing from outside itself") {  // protocol-and-limits §7
    char name[] = "/tmp/selvage-drawing-XXXXXX.png";
    const FileDescriptor file(::mkstemps(name, 4));
    const std::string picture = saved(quadrants(400, 200), ".png");
    REQUIRE(::write(file.number(), picture.data(), picture.size()) == static_cast<ssize_t>(picture.size()));
    const std::string bare = drawing("");
    const std::string curious = drawing("<image xlink:href='file://" + std::string(name) + "' width='400' height='200'/>");
    const auto without = rendered(bare, "w=100", Format::Png);
    const auto with = rendered(curious, "w=100", Format::Png);
    REQUIRE(without);
    REQUIRE(with);
    CHECK(with->bytes == without->bytes);
    ::unlink(name);
}

SCENARIO("an SVG above 2 MB is refused") {
    const std::string source = drawing(std::string(2'000'000, ' '));
    CHECK(rendered(source, "w=100", Format::Png).error().code == "source_too_large");
}

}  // namespace selvage::transforms::test
