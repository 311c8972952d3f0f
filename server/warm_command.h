#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/warm_command_list.h"

namespace selvage::server {

// `selvage warm`: fills the cache of a running server by asking it for images, as browsers would.
struct WarmCommand {
    std::string server;              // "http://127.0.0.1:8080"
    std::vector<WarmSite> sites;     // whose roots --ladder walks
    std::vector<std::string> hosts;  // what the site is called in its own pages, lower case, besides the server's address
    std::string host;                // asked for; empty: as found
    std::string ladder;              // widths; "true": the built-in ones; empty: none
    std::string from_html;           // a file, a folder, or a URL of the server
    std::string from_access_log;     // a file, or "-"
    std::size_t top = 0;             // of the log: so many URLs; 0: all
    std::vector<std::string> formats = {"avif", "webp", "fallback"};
    unsigned jobs = 2;    // requests at a time
    double rate = 0;      // requests per second; 0: as fast as they are answered
    bool better = false;  // ask again for what was made fast, so that the server makes it better
    bool dry_run = false;
};

// Prints on stderr what fails, a summary on stdout. A server that is busy (503, 429) is left alone for as long as it says.
// Returns the exit status: 1 when a request failed, 2 when the command makes no sense. Blocks.
int run_warm_command(const WarmCommand& command);

}  // namespace selvage::server
