#pragma once

#include "base/result.h"

namespace selvage::transforms::worker {

// Gives up every privilege of the calling thread, and the ways to get one again: effective, permitted and inheritable
// capabilities, the ambient ones, and the bounding set where the process may change it (as root; else it had none to begin with).
// No exec gains any. User and groups stay what they are. Errors: Internal "sandbox".
//
// Source: capabilities(7), prctl(2) PR_SET_NO_NEW_PRIVS.
Result<void> drop_capabilities();

}  // namespace selvage::transforms::worker
