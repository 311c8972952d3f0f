#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "transforms/formats.h"
#include "transforms/plan.h"
#include "transforms/worker/protocol.h"

namespace selvage::transforms {

// A finished image and what became of it on the way.
struct Output {
    std::string bytes;
    std::uint32_t width = 0, height = 0;                // of one frame
    std::uint32_t source_width = 0, source_height = 0;  // upright, before any scaling
    std::uint32_t frames = 1;                           // in the output
    std::uint32_t decode_us = 0;   // wall: header, decode and the shrinking that goes with it; all operations of an animation
    std::uint32_t operate_us = 0;  // wall: the operations on the small image
    std::uint32_t encode_us = 0;   // wall
};

// Makes images: libvips, started once per process, with one thread, no operation cache, and only the loaders and savers of our
// tables allowed, all of which work on memory: this library opens no file after start. Not thread-safe.
class Engine {
public:
    // At most once per process. Errors: Internal when libvips cannot start.
    static Result<std::unique_ptr<Engine>> start();

    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Carries out the plan on a source and encodes it. `quality` is the encoder's own (see negotiation.h), 0 where it has none.
    //
    // Errors: Unsupported "unsupported_source"; Unprocessable "undecodable", "source_pixels", "too_many_frames"; TooLarge
    // "too_large" (the output would be above the limits; nothing was decoded); Unsupported "format_disabled" (`out` is no
    // output); Internal when an operation or the encoder fails.
    Result<Output> render(std::string_view source, const Plan& plan, Format out, unsigned quality,
                          const worker::Limits& limits) const;

    std::string_view epoch() const { return epoch_; }  // see epoch.h
    std::uint32_t can_load() const;                    // bit per Format
    std::uint32_t can_save() const;

private:
    explicit Engine(std::string epoch) : epoch_(std::move(epoch)) {}

    std::string epoch_;
};

}  // namespace selvage::transforms
