#pragma once

#include "base/result.h"

namespace selvage::transforms::worker {

// No path of the file system is open to the calling thread any more, for anything that the kernel's Landlock can forbid; nor, by
// its version, TCP (4), sockets by abstract name and signals to processes outside (6). Needs no_new_privs.
//
// The version of Landlock that was used; 0: the kernel has none, or it is switched off. Then the filter stands alone.
// Errors: Internal "sandbox" when it is there and cannot be used. Source: landlock(7), linux/landlock.h.
Result<int> forbid_all_paths();

}  // namespace selvage::transforms::worker
