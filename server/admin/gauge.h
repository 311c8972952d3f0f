#pragma once

#include <cstdint>
#include <string_view>

#include "server/admin/metrics.h"

namespace selvage::admin {

// One line of /metrics that is measured at the moment of asking. Rows of one name stand together; the first has the help text.
struct GaugeRow {
    std::string_view name;  // without the "selvage_" prefix
    std::string_view type;
    std::string_view labels;
    std::string_view help;
    std::uint64_t (*value)(const Gauges&);
};

}  // namespace selvage::admin
