#pragma once

#include <expected>

#include "cache_store/file_system.h"
#include "cache_store/object_file.h"

namespace selvage::cache_store {

// Writes the object's file from the descriptor's position. Returns 0, or the errno of the write that failed; a write that makes
// no progress counts as EIO. Short and interrupted writes are continued.
int write_object(FileSystem& files, int file, const Key128& key, const Object& object);

// Reads and verifies the object's file. Allocates no more than the file holds, and never more than a largest object.
std::expected<Object, BadFile> read_object(FileSystem& files, int file, const Key128& key);

}  // namespace selvage::cache_store
