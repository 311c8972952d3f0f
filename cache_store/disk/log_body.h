#pragma once

#include <memory>

#include "cache_store/disk/log_contents.h"
#include "cache_store/disk/log_reader.h"

namespace selvage::cache_store {

// A body that is all in memory.
std::shared_ptr<StoredBody> body_in_memory(ObjectPtr object);

// A body in parts: one of them is held at a time. Pins its segments; closing the log ends it (Broken).
// Blocks. Null: a part is missing; then the object is erased from the index.
std::shared_ptr<StoredBody> body_in_parts(std::shared_ptr<LogContents> contents, const Key128& key, const Place& head,
                                          Object object);

}  // namespace selvage::cache_store
