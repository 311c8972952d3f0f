#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "transforms/formats.h"
#include "transforms/order.h"
#include "transforms/plan.h"
#include "transforms/worker/protocol.h"

namespace selvage::transforms {

// A finished image and what became of it on the way.
struct Output {
    std::string bytes;
    std::uint32_t width = 0, height = 0;                // of one frame
    std::uint32_t source_width = 0, source_height = 0;  // upright, before any scaling
    std::uint32_t frames = 1;                           // in the output
    worker::Enlarged enlarged = worker::Enlarged::AsAsked;
    unsigned quality = 0;          // the encoder's own that was used; 0 where it has none
    double score = 0;              // SSIMULACRA2, when it was measured
    std::uint32_t decode_us = 0;   // wall: header, decode and the shrinking that goes with it; all operations of an animation
    std::uint32_t operate_us = 0;  // wall: the operations on the small image
    std::uint32_t encode_us = 0;   // wall
};

// Makes images: libvips, started once per process, with one thread, no operation cache, and only the loaders and savers of our
// tables allowed, all of which work on memory: this library opens no file after start. Not thread-safe.
class Engine {
public:
    // At most once per process. `complaints`: a descriptor that takes what libraries have to say about us, not about a file.
    // Errors: Internal when libvips cannot start.
    static Result<std::unique_ptr<Engine>> start(int complaints = STDERR_FILENO);

    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Called for each order in turn, as soon as its image is made or cannot be made.
    using Deliver = std::function<void(std::size_t order, Result<Output>)>;

    // Carries out the orders on one source, which is decoded once for all of them. `original`: see there.
    //
    // Errors, to `deliver`: Unsupported "unsupported_source"; Unprocessable "undecodable", "source_pixels", "source_side",
    // "too_many_frames", "animation_pixels", "too_many_elements"; TooLarge "source_too_large" (a drawing), "output_side",
    // "output_pixels", "animation_output_pixels", "format_side" (the output would be above these limits, or what its format can
    // express; nothing was decoded); Unsupported "format_disabled" (`out` is no output); Internal when an operation or the
    // encoder fails.
    void render(std::string_view source, Original original, std::span<const Order> orders, const worker::Limits& limits,
                const Deliver& deliver) const;

    // The same for one order on the original.
    Result<Output> render(std::string_view source, const Order& order, const worker::Limits& limits) const;

    std::string_view epoch() const { return epoch_; }  // see epoch.h
    std::uint32_t can_load() const;                    // bit per Format
    std::uint32_t can_save() const;

private:
    explicit Engine(std::string epoch) : epoch_(std::move(epoch)) {}

    std::string epoch_;
};

}  // namespace selvage::transforms
