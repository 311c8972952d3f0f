// Sources of every format that is decoded here, as the worker opens them: a header or an error; a source that was opened is
// within the limits, and its pixels are those that the header promised, or an error.

#include <vips/vips.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "transforms/engine/engine.h"
#include "transforms/engine/source.h"

using namespace selvage;
using namespace selvage::transforms;

namespace {

// Small, so that an input is decoded in a moment.
constexpr worker::Limits kLimits{.source_pixels = 100'000,
                                 .animation_pixels = 400'000,
                                 .output_pixels = 100'000,
                                 .animation_output_pixels = 400'000,
                                 .upscale_pixels = 100'000,
                                 .source_side = 4'096,
                                 .output_side = 512,
                                 .upscale = 4,
                                 .frames = 50,
                                 .svg_elements = 100,
                                 .svg_bytes = 10'000,
                                 .cpu_seconds = 5};

void require(bool holds) {
    if (!holds) std::abort();
}

const Engine& engine() {
    static const auto started = Engine::start();
    require(started.has_value());
    return **started;
}

// From top to bottom, as the pipeline does.
void look_at(const Result<Image>& image) {
    if (!image) return;
    double average = 0;
    vips_avg(image->get(), &average, nullptr);
    vips_error_clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    engine();
    const auto source = Source::open({reinterpret_cast<const char*>(data), size}, kLimits);
    if (!source) return 0;
    require(source->stored().area() <= kLimits.source_pixels && source->stored().area() > 0);
    require(source->frames() >= 1 && source->orientation() >= 1 && source->orientation() <= 8);
    for (const double shrink : {1.0, 5.0}) {
        const auto still = source->still(shrink);
        if (!still) continue;
        require(still->pixels.width() <= source->stored().width && still->pixels.height() <= source->stored().height);
        look_at(still->pixels);
    }
    if (source->animated() && source->check_animation(kLimits)) look_at(source->strip());
    return 0;
}
