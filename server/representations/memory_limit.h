#pragma once

#include <cstdint>
#include <filesystem>

namespace selvage::representations {

// Bytes of memory that this process and its children may use: the least of the machine's and of the limits of the control groups
// that the process is in (version 2: memory.max of its group and of each above it; version 1: memory.limit_in_bytes). 1 GiB when
// nothing can be read.
//
// `root`: of the file system, below which are proc/meminfo, proc/self/cgroup and sys/fs/cgroup.
std::uint64_t memory_limit(const std::filesystem::path& root = "/");

}  // namespace selvage::representations
