#pragma once

#include "config/document.h"
#include "config/reading.h"

namespace selvage::config {

// Mistakes that no single option can see: a certificate without its key, an address used twice, a host of two sites.
// Reads the document once more; what is wrong by itself was reported already and counts as given.
void check_across_options(const Value& document, Reading& reading);

}  // namespace selvage::config
