#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/options.h"

namespace selvage::server {

// `selvage explain`: what the server would answer, and why.
struct ExplainCommand {
    std::vector<std::string> urls;     // "https://host/path?query", or "/path?query" of the first site
    std::vector<std::string> headers;  // "Name: value"; none: as a browser asks
    bool names = false;                // instead: which files of each site have fingerprinted names
    bool json = false;
};

// Prints on stdout, and on stderr why it cannot. Reads the cache folder beside a running server, or without one, and changes
// nothing. Returns the exit status: 1 when a URL leads nowhere (404 and the like), 2 when the command makes no sense. Blocks.
int run_explain_command(const ExplainCommand& command, const CommandLine& line);

}  // namespace selvage::server
