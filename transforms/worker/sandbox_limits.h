#pragma once

#include <cstdint>

#include "base/result.h"

namespace selvage::transforms::worker {

// True where a sanitizer watches over this program. It reserves terabytes of addresses, reads files and starts programs to tell
// what it has found, and attaches to its own process to look for leaks: what would stop it is left out there, namely the limit of
// the address space, the flag against attaching, Landlock and the filter.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

// Bounds what the process can take. Errors: Internal "sandbox" when a limit cannot be set.
//
//   address space   `memory` bytes; an allocation beyond it fails
//   descriptors     the few that are open, one for a source, some for outputs
//   file size       kMostOutput, for outputs are files in memory: writing beyond it fails
//   core dumps      none
//
// There is no limit on processes: the kernel's counts all threads of the user. The filter lets none begin.
Result<void> limit_resources(std::uint64_t memory);

// Ends the process by SIGXCPU when it has used this many seconds more than until now. Called per job.
void limit_cpu(std::uint32_t seconds);

// CPU time of the process in microseconds, user and system.
std::uint64_t cpu_used();

}  // namespace selvage::transforms::worker
