#include "transforms/engine/resize/shrinker.h"

#include <algorithm>
#include <cstring>

#include "transforms/engine/resize/alpha_rows.h"
#include "transforms/engine/resize/rows.h"

namespace selvage::transforms {
namespace {

// Rows that are turned at once: a column of them is what the inner loop runs over.
constexpr std::uint32_t kBatch = 64;

auto uncleared(std::size_t size) { return std::make_unique_for_overwrite<std::uint8_t[]>(size); }

std::size_t whole_steps(std::size_t bytes) { return (bytes + kStep - 1) / kStep * kStep; }

}  // namespace

Shrinker::Shrinker(Size from, Extent covered, Size to, Layout layout, std::uint8_t* out)
    : layout_(layout),
      from_(from),
      to_(to),
      rows_(from.height, covered.height, to.height),
      columns_(from.width, covered.width, to.width),
      row_bytes_(std::size_t{from.width} * static_cast<std::size_t>(layout.bands)),
      row_stride_(whole_steps(row_bytes_)),
      slots_(rows_.most()),
      ring_(uncleared(slots_ * row_stride_)),
      batch_(uncleared(kBatch * row_stride_)),
      turned_(uncleared(kBatch * row_stride_)),
      weighed_(uncleared(kBatch * whole_steps(std::size_t{to.width} * static_cast<std::size_t>(layout.bands)))),
      taken_(std::max(rows_.most(), columns_.most())),
      out_(out) {}

void Shrinker::add(const std::uint8_t* row) {
    if (layout_.weighted) {
        weigh_by_alpha(row, from_.width, layout_.bands, slot(added_));
    } else {
        std::memcpy(slot(added_), row, row_bytes_);
    }
    finish_rows_up_to(++added_);
}

void Shrinker::finish_rows_up_to(std::uint32_t available) {
    while (weighed_rows_ < to_.height) {
        const auto [first, weights] = rows_.place(weighed_rows_);
        const auto count = static_cast<std::uint32_t>(weights.size());
        if (std::min(first + count, from_.height) > available) return;
        // A weight that was added for evenness is 0: any row will do.
        for (std::uint32_t row = 0; row < count; ++row) taken_[row] = slot(std::min(first + row, available - 1));
        weigh_rows(taken_.data(), weights, row_bytes_, batch_.get() + (weighed_rows_ - written_) * row_stride_);
        ++weighed_rows_;
        if (weighed_rows_ - written_ == kBatch || weighed_rows_ == to_.height) finish_columns();
    }
}

void Shrinker::finish_columns() {
    const std::uint32_t height = weighed_rows_ - written_;
    const auto bands = static_cast<std::uint32_t>(layout_.bands);
    const std::size_t out_bytes = std::size_t{to_.width} * bands, out_stride = whole_steps(out_bytes);
    turn_bytes(batch_.get(), row_stride_, row_bytes_, height, turned_.get(), kBatch);
    for (std::uint32_t x = 0; x < to_.width; ++x) {
        const auto [first, weights] = columns_.place(x);
        for (std::uint32_t band = 0; band < bands; ++band) {
            for (std::uint32_t at = 0; at < weights.size(); ++at) {
                taken_[at] = turned_.get() + (std::min(first + at, from_.width - 1) * bands + band) * kBatch;
            }
            weigh_rows(taken_.data(), weights, height, weighed_.get() + (x * bands + band) * kBatch);
        }
    }
    turn_bytes(weighed_.get(), kBatch, height, out_bytes, batch_.get(), out_stride);
    for (std::uint32_t row = 0; row < height; ++row) {
        std::uint8_t* line = batch_.get() + row * out_stride;
        if (layout_.weighted) unweigh_by_alpha(line, to_.width, layout_.bands);
        std::memcpy(out_ + (written_ + row) * out_bytes, line, out_bytes);
    }
    written_ = weighed_rows_;
}

}  // namespace selvage::transforms
