#pragma once

#include <memory>

#include "transforms/engine/decoders/jpeg_reader.h"
#include "transforms/engine/image.h"

namespace selvage::transforms {

// An image whose rows are decoded while they are read, each once, from top to bottom: the whole of it is never in memory, and
// what the reader holds (all coefficients of a progressive picture) is given back after the last row.
//
// Takes a reader that has been given its settings. Errors: Unprocessable "undecodable"; later ones are those of reading pixels.
Result<Image> rows_of(std::unique_ptr<JpegReader> reader);

}  // namespace selvage::transforms
