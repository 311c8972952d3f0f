#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/loader.h"

namespace selvage::config {

// Whether what a configuration names (roots, certificates) must be there while it is read.
enum class Disk : std::uint8_t { Ignored, Checked };

// One pass over one text: collects every mistake, and knows where relative paths begin.
class Reading {
public:
    Reading(std::string file, Disk disk);
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    void mistake(Position at, std::string message);

    // "server.workers: expected an integer from 0 to 1024, not "many""
    void wrong(std::string_view path, std::string_view expected, const Value& value);

    // Against the folder of the file, lexically normal; empty stays empty.
    std::string resolve(std::string_view path) const;
    bool checks_disk() const { return disk_ == Disk::Checked; }

    bool good() const { return diagnostics_.empty(); }
    std::vector<Diagnostic> diagnostics() &&;  // in order of position

private:
    std::string file_;
    Disk disk_;
    std::vector<Diagnostic> diagnostics_;
};

}  // namespace selvage::config
