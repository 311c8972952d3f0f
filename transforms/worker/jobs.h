#pragma once

#include <cstdint>

#include "transforms/engine/engine.h"
#include "transforms/worker/protocol.h"
#include "transforms/worker/resident_memory.h"

namespace selvage::transforms::worker {

// Says Hello and does jobs until the server closes the socket. The exit status of the program: 0 then, 1 when the server says
// something that is no job.
int do_jobs(int socket, const Engine& engine, const ResidentMemory& memory);

}  // namespace selvage::transforms::worker
