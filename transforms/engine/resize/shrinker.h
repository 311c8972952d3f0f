#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "transforms/engine/geometry.h"
#include "transforms/engine/resize/weights.h"

namespace selvage::transforms {

// An image of 8-bit pixels made smaller row by row, while its rows arrive: only as many of them are held as one row of the result
// is made of. Knows no libvips and no colour; alpha is a band like the others unless it is to weigh them.
//
// Columns are the same work as rows once the picture is turned, so there is one inner loop: rows are weighed as they come, a few
// finished ones are turned, their columns weighed, and the result turned back.
class Shrinker {
public:
    struct Layout {
        int bands;      // 1…4
        bool weighted;  // by the last band: its alpha
    };

    // Neither side of `to` is larger than of `from`, which the picture covers but for parts of a pixel. `out`: to.height rows of
    // to.width · bands bytes, one after the other.
    Shrinker(Size from, Extent covered, Size to, Layout layout, std::uint8_t* out);

    // The next row, from top to bottom: from.width · bands bytes. After the last one `out` is complete.
    void add(const std::uint8_t* row);

private:
    void finish_rows_up_to(std::uint32_t available);
    void finish_columns();
    std::uint8_t* slot(std::uint32_t row) { return ring_.get() + row % slots_ * row_stride_; }

    Layout layout_;
    Size from_, to_;
    Weights rows_, columns_;
    std::size_t row_bytes_, row_stride_;
    std::uint32_t slots_;
    using Bytes = std::unique_ptr<std::uint8_t[]>;  // not cleared: that would be a tenth of the work
    Bytes ring_;                                    // the rows that are still needed
    Bytes batch_;                                   // rows of the result's height, not yet of its width
    Bytes turned_;                                  // the same by columns
    Bytes weighed_;                                 // columns of the result
    std::vector<const std::uint8_t*> taken_;
    std::uint32_t added_ = 0;                       // rows of the source
    std::uint32_t weighed_rows_ = 0, written_ = 0;  // rows of the result
    std::uint8_t* out_;
};

}  // namespace selvage::transforms
