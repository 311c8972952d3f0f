#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "transforms/engine/engine.h"
#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/geometry.h"
#include "transforms/engine/levels.h"
#include "transforms/engine/scene.h"
#include "transforms/engine/source.h"

namespace selvage::transforms {

// The orders on one source, carried out one after the other: decoded once, each size made once, whatever its formats.
class Batch {
public:
    // `opened` and `orders` must outlive this. `upright`: the size that plans refer to, the original's.
    Batch(const Source& opened, Size upright, std::span<const Order> orders, const worker::Limits& limits);

    // Each order once, in any order. `begun`: when the work on it began. Errors: as Engine::render.
    Result<Output> carry_out(std::size_t order, std::chrono::steady_clock::time_point begun);

private:
    // An order that was found feasible, before anything is decoded.
    struct Task {
        const Order& order;
        const Encoder& encoder;
        Geometry geometry;
        worker::Enlarged enlarged;
        Size frame;            // of the output
        std::uint32_t frames;  // of the output
    };
    // Pixels ready to encode that another order may want in another format.
    struct Finished {
        Plan plan;
        bool alpha;
        std::uint32_t frames;
        Image pixels;
    };

    Result<Task> task_for(const Order& order, const worker::Limits& limits) const;
    std::vector<Size> sizes_of_stills() const;
    Result<Image> pixels_for(const Task& task, Scene& scene);
    Result<Image> made_now(const Task& task, Scene& scene);

    const Source& source_;
    Size upright_;
    std::vector<Result<Task>> tasks_;
    Levels levels_;
    std::vector<Finished> finished_;
};

}  // namespace selvage::transforms
