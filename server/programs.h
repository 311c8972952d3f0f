#pragma once

#include <string>

namespace selvage::server {

// The path that was executed: a symbolic link to the version of the day is followed anew by a successor, and a replaced file
// found.
std::string program_as_started();

// selvage-transform, which lies beside this program.
std::string worker_program();

}  // namespace selvage::server
