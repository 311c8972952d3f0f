#pragma once

#include <optional>
#include <string>

namespace selvage::server {

// `selvage precompress`: the best codings of all files of a folder, now, where the server would make them one after another as
// they are asked for.
struct PrecompressCommand {
    std::string folder;                      // empty: the roots of the configuration's sites
    std::optional<std::string> config_file;  // whose cache they are for
    std::optional<std::string> cache;        // the same by name
    unsigned jobs = 0;                       // files at a time; 0: one per core
    bool write_sidecars = false;             // beside the files, instead of into the cache
    bool force = false;                      // replace sidecars that others made
    bool dry_run = false;                    // print what would be coded
    bool quiet = false;                      // no summary
};

// Prints a summary on stdout, and on stderr how far it is and what failed. Returns the exit status: 1 when anything was not made
// or not kept, 2 when the command makes no sense.
int run_precompress_command(const PrecompressCommand& command);

}  // namespace selvage::server
