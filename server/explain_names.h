#pragma once

#include "config/config.h"

namespace selvage::server {

// Prints a line for each file of the sites' folders whose name looks fingerprinted, whether it is believed, and why; then how
// many files each rule took. `json`: a line per file instead, also of those that do not look so. Returns the exit status. Blocks.
int explain_names(const config::Config& config, bool json);

}  // namespace selvage::server
