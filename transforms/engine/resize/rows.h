#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The two inner loops of the resize, each compiled for several instruction sets; the best one for this processor is called.

namespace selvage::transforms {

// Buffers are read and written up to a multiple of this many bytes.
inline constexpr std::size_t kStep = 64;

// out[i] = Σ rows[k][i] · weights[k] / 2^14, rounded and clamped, for i below `length`. As many rows as weights, an even number.
void weigh_rows(const std::uint8_t* const* rows, std::span<const std::int16_t> weights, std::size_t length, std::uint8_t* out);

// out[x · out_stride + y] = in[y · in_stride + x]. Width and height are rounded up to multiples of 16.
void turn_bytes(const std::uint8_t* in, std::size_t in_stride, std::size_t width, std::size_t height, std::uint8_t* out,
                std::size_t out_stride);

}  // namespace selvage::transforms
