#include "transforms/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>

#include "transforms/engine/animation.h"
#include "transforms/engine/epoch.h"
#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/loaders.h"
#include "transforms/engine/metadata.h"
#include "transforms/engine/pipeline.h"
#include "transforms/engine/source.h"

namespace selvage::transforms {
namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t microseconds(Clock::duration duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

// What libraries want to say about a strange file is of no use to an operator and could fill a disk: errors reach us as return
// values. Only their complaints about ourselves are printed.
GLogWriterOutput write_log(GLogLevelFlags level, const GLogField* fields, gsize count, gpointer) {
    if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) == 0) return G_LOG_WRITER_HANDLED;
    for (const GLogField& field : std::span(fields, count)) {
        if (std::string_view(field.key) != "MESSAGE") continue;
        std::fprintf(stderr, "selvage-transform: %s\n", static_cast<const char*>(field.value));
    }
    return G_LOG_WRITER_HANDLED;
}

// First everything that reads untrusted bytes or touches files is forbidden, then our tables are allowed.
void allow_only_our_codecs() {
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignSave", TRUE);
    for (const Loader& loader : loaders()) vips_operation_block_set(loader.operation, FALSE);
    for (const Encoder& encoder : encoders()) vips_operation_block_set(encoder.operation, FALSE);
}

bool stays_animated(const Source& source, const Plan& plan, Format out) {
    return plan.animated && source.animated() && row_of(out).animation;
}

Result<void> check_output(Size size, std::uint64_t frames, const Encoder& encoder, const worker::Limits& limits) {
    const bool fits = std::max(size.width, size.height) <= std::min(limits.output_side, encoder.largest_side) &&
                      size.area() <= limits.output_pixels && (frames == 1 || size.area() * frames <= limits.animation_pixels);
    if (fits) return {};
    return fail(ErrorKind::TooLarge, fmt::format("{} frames of {}x{}", frames, size.width, size.height), "too_large");
}

// How much smaller than the source the scaled image is, in the direction that shrinks least.
double shrink_of(const Source& source, const Geometry& geometry) {
    const Size from = source.upright(), to = geometry.scaled;
    return std::min(static_cast<double>(from.width) / to.width, static_cast<double>(from.height) / to.height);
}

Result<Image> carry_out_still(const Source& source, Scene& scene) {
    const Image stored = TRY(source.still(shrink_of(source, scene.geometry)));
    return carry_out(stored, scene);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::start() {
    g_log_set_writer_func(write_log, nullptr, nullptr);
    if (vips_init("selvage-transform") != 0) return operation_failure("libvips");
    vips_concurrency_set(1);  // two jobs on one thread each beat one job on two (image-engine §2.6)
    vips_cache_set_max(0);    // no operation is asked for twice; the cache costs 75 MB
    allow_only_our_codecs();
    return std::unique_ptr<Engine>(new Engine(encoder_epoch()));
}

void Engine::render(std::string_view source, Original, std::span<const Order> orders, const worker::Limits& limits,
                    const Deliver& deliver) const {
    for (std::size_t index = 0; index < orders.size(); ++index) deliver(index, render(source, orders[index], limits));
}

Result<Output> Engine::render(std::string_view source, const Order& order, const worker::Limits& limits) const {
    const Plan& plan = order.plan;
    const Format out = order.format;
    const auto begun = Clock::now();
    const Encoder* encoder = encoder_of(out);
    if (encoder == nullptr) return fail(ErrorKind::Unsupported, std::string(row_of(out).name), "format_disabled");
    const Source opened = TRY(Source::open(source, limits));
    const bool animated = stays_animated(opened, plan, out);
    if (animated) TRY(opened.check_animation(limits));
    Scene scene{.plan = plan, .out = out, .orientation = opened.orientation(), .geometry = geometry_of(plan, opened.upright())};
    const Size frame = output_size(scene.geometry, plan);
    const std::uint32_t frames = animated ? opened.frames() : 1;
    TRY(check_output(frame, frames, *encoder, limits));

    const Image image = TRY(animated ? carry_out_all(opened, scene) : carry_out_still(opened, scene));
    const auto operated = Clock::now();
    const Image bare = TRY(without_private_metadata(image));
    std::string bytes = TRY(encoder->encode(
        bare, {.quality = order.quality, .effort = order.effort, .frame = frame, .keep_metadata = names_owner(bare)}));
    return Output{.bytes = std::move(bytes),
                  .width = frame.width,
                  .height = frame.height,
                  .source_width = opened.upright().width,
                  .source_height = opened.upright().height,
                  .frames = frames,
                  .quality = order.quality,
                  .decode_us = microseconds(scene.decoded_at - begun),
                  .operate_us = microseconds(operated - scene.decoded_at),
                  .encode_us = microseconds(Clock::now() - operated)};
}

namespace {

template <typename Rows>
std::uint32_t bits_of(const Rows& rows) {
    std::uint32_t bits = 0;
    for (const auto& row : rows) bits |= 1U << static_cast<unsigned>(row.format);
    return bits;
}

}  // namespace

std::uint32_t Engine::can_load() const { return bits_of(loaders()); }
std::uint32_t Engine::can_save() const { return bits_of(encoders()); }

}  // namespace selvage::transforms
