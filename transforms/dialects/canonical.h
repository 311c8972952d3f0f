#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "transforms/plan.h"

namespace selvage::transforms {

struct DialectLimits {
    std::uint32_t max_side = 8192;  // w, h after dpr is folded in
    std::uint32_t max_dpr = 4;
    std::size_t max_query = 2048;  // bytes
    std::size_t max_params = 32;
    bool strict = false;  // unknown keys are an error
};

// The canonical query grammar, image-urls §1.1 and §1.2.
//
// Nothing when the query holds no transform key: the request is for the file itself. Control keys alone do not count.
// Errors: BadRequest with code invalid_param, duplicate_param, unknown_param (strict), too_large, conflict; `param` names the key
// as written, `allowed` its range ("1…8192", "inside, cover, …"). A query above `max_query`: TooLarge code uri_too_long (the
// server makes it 414); more than `max_params`: BadRequest too_many_params.
Result<std::optional<ImageRequest>> parse_canonical(std::string_view query, const DialectLimits& limits);

}  // namespace selvage::transforms
