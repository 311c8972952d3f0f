#include "transforms/engine/drawing.h"

#include <vips/vips.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>

#include "transforms/engine/providers/provider.h"

namespace selvage::transforms {
namespace {

// With a picture in it: 1 × 1, PNG.
constexpr std::string_view kDrawing =
    R"(<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="2" height="2">)"
    R"(<image width="2" height="2" xlink:href="data:image/png;base64,)"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
    R"("/></svg>)";

struct Unref {
    void operator()(void* object) const { g_object_unref(object); }
};

// In this thread: libvips' own would start its threads, and the sandbox wants to be alone.
void draw_once() {
    VipsImage* image = nullptr;
    if (vips_svgload_buffer(const_cast<char*>(kDrawing.data()), kDrawing.size(), &image, nullptr) != 0) return;
    const std::unique_ptr<VipsImage, Unref> drawing(image);
    const std::unique_ptr<VipsRegion, Unref> pixels(vips_region_new(image));
    const VipsRect all{.left = 0, .top = 0, .width = image->Xsize, .height = image->Ysize};
    vips_region_prepare(pixels.get(), &all);
}

// `<text` and `<svg:text`; tspan, tref and textPath are within one.
bool has_text(std::string_view svg) {
    constexpr std::string_view kBefore = "<:", kAfter = ">/ \t\r\n";
    for (std::size_t at = svg.find("text"); at != svg.npos; at = svg.find("text", at + 1)) {
        if (at == 0 || at + 4 >= svg.size()) continue;
        if (kBefore.contains(svg[at - 1]) && kAfter.contains(svg[at + 4])) return true;
    }
    return false;
}

// Named in the XML declaration, and not among those that libxml2 knows by itself.
bool has_strange_encoding(std::string_view svg) {
    constexpr std::string_view kName = "encoding=";
    constexpr std::string_view kKnown[] = {"UTF-8", "utf-8", "UTF8", "utf8", "US-ASCII", "us-ascii", "ISO-8859-1", "iso-8859-1"};
    const std::string_view declaration = svg.substr(0, svg.find("?>"));
    const std::size_t at = declaration.find(kName);
    if (!declaration.contains("<?xml") || at == declaration.npos) return false;
    const std::string_view quoted = declaration.substr(at + kName.size());
    const std::string_view value = quoted.substr(std::min<std::size_t>(1, quoted.size()));
    return std::ranges::find(kKnown, value.substr(0, value.find_first_of("\"'"))) == std::end(kKnown);
}

// A data URL of another kind, or of none.
bool has_strange_picture(std::string_view svg) {
    for (std::size_t at = svg.find("data:"); at != svg.npos; at = svg.find("data:", at + 1)) {
        const std::string_view type = svg.substr(at + 5);
        if (!type.starts_with("image/png;") && !type.starts_with("image/jpeg;")) return true;
    }
    return false;
}

}  // namespace

void prepare_drawings() {
    // Or the first filter asks /proc for the number of cores.
    g_setenv("RAYON_NUM_THREADS", "1", TRUE);
    provider::prepare_drawing_libraries();
    draw_once();
    vips_error_clear();
}

std::size_t element_count(std::string_view svg) {
    std::size_t count = 0;
    for (std::size_t at = svg.find('<'); at != svg.npos && at + 1 < svg.size(); at = svg.find('<', at + 1)) {
        const char next = svg[at + 1];
        if (next != '/' && next != '!' && next != '?') ++count;
    }
    return count;
}

std::string_view needs_files(std::string_view svg) {
    if (has_text(svg)) return "an SVG with text";
    if (has_strange_picture(svg)) return "an SVG with a picture that is neither PNG nor JPEG";
    if (has_strange_encoding(svg)) return "an SVG in another encoding than UTF-8 and ISO-8859-1";
    return {};
}

}  // namespace selvage::transforms
