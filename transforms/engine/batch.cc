#include "transforms/engine/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "transforms/engine/animation.h"
#include "transforms/engine/metadata.h"
#include "transforms/engine/pipeline.h"
#include "transforms/engine/quality/search.h"

namespace selvage::transforms {
namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t microseconds(Clock::duration duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

bool stays_animated(const Source& source, const Order& order) {
    return order.plan.animated && source.animated() && row_of(order.format).animation;
}

Result<void> check_output(Size size, std::uint64_t frames, const Encoder& encoder, const worker::Limits& limits) {
    const auto refuse = [&](std::string_view code) {
        return fail(ErrorKind::TooLarge, fmt::format("{} frames of {}x{}", frames, size.width, size.height), code);
    };
    const std::uint32_t side = std::max(size.width, size.height);
    if (side > limits.output_side) return refuse("output_side");
    if (side > encoder.largest_side) return refuse("format_side");
    if (size.area() > limits.output_pixels) return refuse("output_pixels");
    if (frames > 1 && size.area() * frames > limits.animation_output_pixels) return refuse("animation_output_pixels");
    return {};
}

// Which limit made it smaller than its plan asks.
worker::Enlarged how_enlarged(const Plan& plan, Size source, const Geometry& geometry, const worker::Limits& limits) {
    constexpr double kAny = std::numeric_limits<double>::infinity();
    const auto by = [&](Enlarging enlarging) { return geometry_of(plan, source, enlarging); };
    if (!plan.enlarge || by({.times = kAny, .pixels = kAny}) == geometry) return worker::Enlarged::AsAsked;
    const bool by_pixels = by({.times = static_cast<double>(limits.upscale), .pixels = kAny}) != geometry;
    return by_pixels ? worker::Enlarged::UpToPixels : worker::Enlarged::UpTo;
}

// What is left of a plan once it is pixels.
Plan without_encoding(Plan plan) {
    plan.format.reset();
    plan.quality.reset();
    plan.target.reset();
    plan.auto_format = true;
    plan.animated = true;  // the number of frames says it
    return plan;
}

Result<Encoded> encode(const Encoder& encoder, const Image& image, const EncodeOptions& options, const Order& order) {
    if (order.target != 0) return encode_to_target(encoder, image, options, order.target, order.quality);
    return Encoded{.bytes = TRY(encoder.encode(image, options)), .quality = order.quality};
}

}  // namespace

Batch::Batch(const Source& opened, Size upright, std::span<const Order> orders, const worker::Limits& limits)
    : source_(opened),
      upright_(upright),
      tasks_([&] {
          std::vector<Result<Task>> tasks;
          for (const Order& order : orders) tasks.push_back(task_for(order, limits));
          return tasks;
      }()),
      levels_(opened, sizes_of_stills()) {}

Result<Batch::Task> Batch::task_for(const Order& order, const worker::Limits& limits) const {
    const Encoder* encoder = encoder_of(order.format);
    if (encoder == nullptr) return fail(ErrorKind::Unsupported, std::string(row_of(order.format).name), "format_disabled");
    const bool animated = stays_animated(source_, order);
    if (animated) TRY(source_.check_animation(limits));
    const Geometry geometry =
        geometry_of(order.plan, upright_,
                    {.times = static_cast<double>(limits.upscale), .pixels = static_cast<double>(limits.upscale_pixels)});
    const Task task{.order = order,
                    .encoder = *encoder,
                    .geometry = geometry,
                    .enlarged = how_enlarged(order.plan, upright_, geometry, limits),
                    .frame = output_size(geometry, order.plan),
                    .frames = animated ? source_.frames() : 1};
    TRY(check_output(task.frame, task.frames, *encoder, limits));
    return task;
}

std::vector<Size> Batch::sizes_of_stills() const {
    std::vector<Size> sizes;
    for (const auto& task : tasks_) {
        if (task && task->frames == 1) sizes.push_back(task->geometry.scaled);
    }
    return sizes;
}

Result<Image> Batch::made_now(const Task& task, Scene& scene) {
    if (task.frames > 1) return carry_out_all(source_, scene);
    const auto [pixels, covered, orientation] = TRY(levels_.start_for(task.geometry.scaled));
    scene.covered = covered;
    scene.orientation = orientation;
    const Image upright = TRY(bring_down(pixels, scene));
    levels_.keep(upright);
    return finish(upright, scene);
}

Result<Image> Batch::pixels_for(const Task& task, Scene& scene) {
    if (tasks_.size() == 1) return made_now(task, scene);
    const Plan plan = without_encoding(task.order.plan);
    const bool alpha = row_of(task.order.format).alpha;
    const auto same = std::ranges::find_if(finished_, [&](const Finished& other) {
        return other.plan == plan && other.alpha == alpha && other.frames == task.frames;
    });
    scene.decoded_at = Clock::now();
    if (same != finished_.end()) return same->pixels;
    Image pixels = TRY(made_now(task, scene));
    finished_.push_back({.plan = plan, .alpha = alpha, .frames = task.frames, .pixels = pixels});
    return pixels;
}

Result<Output> Batch::carry_out(std::size_t index, Clock::time_point begun) {
    const Task task = TRY(tasks_[index]);
    Scene scene{
        .plan = task.order.plan, .out = task.order.format, .orientation = source_.orientation(), .geometry = task.geometry};
    const Image image = TRY(pixels_for(task, scene));
    const auto operated = Clock::now();
    const Image bare = TRY(without_private_metadata(image));
    const EncodeOptions options{.quality = task.order.quality,
                                .effort = task.order.effort,
                                .frame = task.frame,
                                .keep_metadata = names_owner(bare),
                                .full_chroma = task.order.full_chroma};
    auto [bytes, quality, score] = TRY(encode(task.encoder, bare, options, task.order));
    return Output{.bytes = std::move(bytes),
                  .width = task.frame.width,
                  .height = task.frame.height,
                  .source_width = upright_.width,
                  .source_height = upright_.height,
                  .frames = task.frames,
                  .enlarged = task.enlarged,
                  .quality = quality,
                  .score = score,
                  .decode_us = microseconds(scene.decoded_at - begun),
                  .operate_us = microseconds(operated - scene.decoded_at),
                  .encode_us = microseconds(Clock::now() - operated)};
}

}  // namespace selvage::transforms
