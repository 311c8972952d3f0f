#pragma once

#include <cstdint>

#include "base/result.h"

namespace selvage::transforms::worker {

// Before any library starts: dies with the server, is less urgent than the server, forgets environment, working directory and
// every descriptor above the socket, and tunes the allocator for large blocks that come and go.
void leave_the_world();

// After libraries have started and before the first job: everything that a job needs was opened before. Each layer holds where
// another has a hole.
//
//   limits         sandbox_limits.h: memory, descriptors, size of an output, no core dump
//   privileges     sandbox_capabilities.h: none, and none to be had; no process of the same user may attach or look
//   paths          sandbox_landlock.h, where the kernel has it
//   system calls   sandbox_filter.h: a short list; any other kills by SIGSYS
//
// Under a sanitizer only what leaves it working, see kSanitized. Errors: Internal "sandbox": a layer cannot be put up, or a
// library has started threads, which some layers would not hold.
Result<void> install_sandbox(std::uint64_t memory);

}  // namespace selvage::transforms::worker
