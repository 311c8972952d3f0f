#pragma once

#include <string>

#include "base/result.h"

namespace selvage::upgrade {

// A file that names the process which serves, for those who send it signals: its number in decimal and a line feed.
class PidFile {
public:
    PidFile() = default;

    // Replaces the file in one step: a reader finds the old number or the new one. Errors: Internal with the reason.
    static Result<PidFile> write(const std::string& path);
    ~PidFile();  // removes it, unless another process has replaced it
    PidFile(PidFile&& other) noexcept;
    PidFile& operator=(PidFile&& other) noexcept;

    // Errors: NotFound when there is none, BadRequest when it has no number.
    static Result<int> read(const std::string& path);

private:
    std::string path_;  // empty: none
};

}  // namespace selvage::upgrade
