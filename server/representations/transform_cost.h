#pragma once

#include <chrono>
#include <cstdint>

#include "transforms/formats.h"
#include "transforms/order.h"
#include "transforms/probe.h"

namespace selvage::representations {

// What a picture will cost a worker, roughly, before it is made: for the order of the queue, its bounds and the choice of a
// format, not for a promise.
struct TransformCost {
    std::chrono::microseconds decode{0};  // CPU; of the source, shared by all that is made of it at once
    std::chrono::microseconds make{0};    // CPU; of the resizing and the encoder
    std::uint64_t memory = 0;             // bytes that the worker will hold at most, its own 50 MB included

    std::chrono::microseconds total() const { return decode + make; }
};

// What is known of a source from its header: claims, not facts.
struct SourceClaims {
    transforms::Format format = transforms::Format::Jpeg;
    std::uint64_t pixels = 0;  // of one frame
    std::uint64_t bytes = 0;   // of the file
    bool progressive = false;  // a JPEG in several scans
    bool alpha = false;
};
SourceClaims claims_of(const transforms::Probe& probe, std::uint64_t bytes);

// `output_pixels`: an upper bound; all frames of an animation counted once.
TransformCost transform_cost(const SourceClaims& source, const transforms::Order& order, std::uint64_t output_pixels);

}  // namespace selvage::representations
