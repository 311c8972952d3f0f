#pragma once

#include <memory>
#include <string>

#include "cache_store/disk/log_tier.h"
#include "cache_store/store.h"

namespace selvage::cache_store {

// open_store() with the world as arguments, for tests. `files` and `log` outlive the store.
std::unique_ptr<Store> open_two_tiers(const std::string& folder, const Limits& limits, Log& log, FileSystem& files,
                                      Clocks clocks);

}  // namespace selvage::cache_store
