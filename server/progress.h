#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace selvage::server {

// How far a command is with its many parts: one line on stderr that is written over, when stderr is a terminal; nothing else.
// Not thread-safe.
class Progress {
public:
    explicit Progress(std::size_t parts);
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // `done` of the parts are done; `note`: what else there is to say ("12.3 MB → 4.5 MB"). Written ten times a second at most.
    void show(std::size_t done, const std::string& note);
    void clear();  // before anything else is written on the terminal

    std::chrono::duration<double> elapsed() const { return std::chrono::steady_clock::now() - begun_; }

private:
    const std::size_t parts_;
    const bool terminal_;
    const std::chrono::steady_clock::time_point begun_;
    std::chrono::steady_clock::time_point shown_;
    bool visible_ = false;
};

std::string bytes_text(std::uint64_t bytes);  // "815 B", "12.3 kB", "4.5 MB": for reading

}  // namespace selvage::server
