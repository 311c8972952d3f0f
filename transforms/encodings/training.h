#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::transforms {

// What the samples have in common, as raw content: the most useful pieces of it at the end, where a prefix is cheapest to refer
// to. At most `most` bytes. Deterministic. Source: zdict.h, ZDICT_trainFromBuffer_fastCover.
//
// Errors: Unsupported when they are too few, or have too little in common.
Result<std::string> train_dictionary(std::span<const std::string_view> samples, std::size_t most);

}  // namespace selvage::transforms
