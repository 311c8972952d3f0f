#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace selvage::bench {

// What all files below a folder take on the disk (st_blocks), without the folders themselves.
std::uint64_t disk_usage(const std::string& folder);

// Looks again and again, from its birth, in a thread of its own: what was the most?
class DiskWatch {
public:
    explicit DiskWatch(std::string folder);
    ~DiskWatch() { stop(); }

    struct Seen {
        std::uint64_t most = 0, times = 0;
    };
    Seen stop();

private:
    std::string folder_;
    Seen seen_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace selvage::bench
