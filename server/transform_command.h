#pragma once

#include <string>
#include <vector>

namespace selvage::server {

// `selvage transform IN… OUT QUERY`: the image engine on files, with the grammar of image URLs and in the same sandboxed
// processes, without a server.
//
// fm=auto, for which there is no Accept here, is the format that OUT's extension names, else that of the source where it can be
// written. Without `fast` each image is made with the effort of those that the server makes in the background.
struct TransformCommand {
    std::vector<std::string> inputs;  // files, folders, globs, "-"
    std::string output;               // see OutputPattern
    std::string query;                // "w=640&fm=avif"
    unsigned jobs = 0;                // processes; 0: one per core
    bool recursive = false;
    bool force = false;
    bool fast = false;
    bool quiet = false;  // no summary
};

// A line on stderr for each image that is not made, a summary at the end on stdout (on stderr when OUT is "-"). Returns the exit
// status: 1 when an image was not made, 2 when the command makes no sense.
int run_transform_command(const TransformCommand& command);

}  // namespace selvage::server
