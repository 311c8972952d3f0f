#pragma once

#include "base/result.h"

namespace selvage::transforms::worker {

// From here on the process may make the system calls of a short list, and is killed by SIGSYS at any other: none that opens a
// file or a socket, that starts, signals or looks at a process, or makes memory executable. Holds for all threads, now and later.
// Needs no_new_privs.
//
// Errors: Internal "sandbox" when the kernel has no seccomp filters: without one nobody should decode strangers' images.
// Which call it was stands in the kernel's log (audit type 1326, `syscall=`), not in the exit status.
Result<void> allow_only_what_decoding_needs();

}  // namespace selvage::transforms::worker
