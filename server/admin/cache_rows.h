#pragma once

#include <span>

#include "server/admin/gauge.h"

namespace selvage::admin {

// What the store says of itself, row by row.
std::span<const GaugeRow> cache_rows();

}  // namespace selvage::admin
