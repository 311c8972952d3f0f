#pragma once

#include <cstdint>

#include "base/result.h"

namespace selvage::transforms::worker {

// Before any library starts: dies with the server, forgets environment, working directory and every descriptor above the
// socket, and tunes the allocator for large blocks that come and go.
void leave_the_world();

// After libraries have started and before the first job. Errors: Internal when a limit cannot be set.
//
//   address space   `memory` bytes; an allocation beyond it fails (not under sanitizers, which reserve terabytes)
//   descriptors     the few that are open, one for a source, one for an output
//   core dumps      none, and no process of the same user may attach
//   privileges      none can be gained by an exec
//
// Here the seccomp allow-list will be installed: everything that a job needs was opened before.
Result<void> install_sandbox(std::uint64_t memory);

// Ends the process by SIGXCPU when it has used this many seconds more than until now. Called per job.
void limit_cpu(std::uint32_t seconds);

// CPU time of the process in microseconds, user and system.
std::uint64_t cpu_used();

}  // namespace selvage::transforms::worker
