#pragma once

#include <optional>

#include "config/config.h"
#include "server/admin/purge_request.h"

namespace selvage::server {

// `selvage purge`: asks a running server by POST /purge and prints what came of it, a line on stdout or stderr. Returns the exit
// status: 0 when the purge is durable, 1 when it is not, or the server cannot be asked. Blocks.
int run_purge_command(const std::optional<config::Endpoint>& admin, const admin::PurgeRequest& request);

}  // namespace selvage::server
