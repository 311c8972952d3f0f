#pragma once

#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "transforms/encodings/encodings.h"

namespace selvage::representations {

// A coding that nobody waits for, made in steps, so that it can stand still and be given up. Blocks, for a second and a half per
// MB of br-11.
//
// `go_on` is asked before each step, of 40 ms (zstd-19) to 400 ms (br-11, which looks at 256 KiB at a time); br-11 has the block
// splitting of all that fits into 16 MiB in one more step, about a tenth of the whole. Errors: Cancelled when it says no;
// Internal.
Result<BlobPtr> best_coding(std::string_view content, transforms::Coding coding, transforms::Effort effort,
                            const std::function<bool()>& go_on);

}  // namespace selvage::representations
