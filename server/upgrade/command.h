#pragma once

#include <optional>
#include <string>

#include "config/config.h"

namespace selvage::upgrade {

// Whom `selvage upgrade` asks. The first that is there counts.
struct Addressee {
    std::optional<int> process;             // by SIGUSR2
    std::optional<config::Endpoint> admin;  // by POST /upgrade
    std::string pid_file;                   // by SIGUSR2; also says when the successor serves
};

// Upgrades a running server and prints what came of it, a line on stdout or stderr. Returns the exit status: 0 when the successor
// serves, 1 when the server goes on as it was or cannot be asked.
int run_command(const Addressee& addressee);

}  // namespace selvage::upgrade
