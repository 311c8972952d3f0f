#pragma once

#include <span>
#include <string>

#include "cache_store/store.h"
#include "server/http/counters.h"
#include "server/releases/totals.h"

namespace selvage::admin {

// What is measured at the moment of asking.
struct Gauges {
    cache_store::Stats cache;
    std::size_t transform_queue = 0;
    std::size_t transforms_light = 0, transforms_heavy = 0, transforms_background = 0;  // of these
    std::uint64_t transform_memory = 0;
    std::size_t transform_workers = 0;
    std::size_t transforms_busy = 0;
    std::size_t work_queue = 0;
    std::size_t background_queue = 0;
    releases::Totals releases;
    std::uint64_t configuration_generation = 0;
};

// Prometheus text format 0.0.4, from the rows of the counter tables; the counters of all loops added up.
std::string metrics_text(std::span<const http::Counters* const> loops, const Gauges& gauges);

}  // namespace selvage::admin
