#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"

namespace selvage::cache_store {

// A file of a store that is only looked at; never through a link, and never waiting for a pipe's other end.
class InspectedFile {
public:
    // Nothing: errno says why.
    static std::optional<InspectedFile> open(int folder, const std::string& name);

    std::uint64_t bytes() const { return bytes_; }    // when it was opened
    std::uint64_t blocks() const { return blocks_; }  // what it takes on the disk, in bytes
    // Changes whenever somebody writes to the file, renames or replaces it.
    struct Stamp {
        std::int64_t modified = 0, changed = 0;  // ns
        std::uint64_t bytes = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    Stamp stamp() const;

    // The bytes, fewer at the end of the file; none too when they cannot be read. Good until the next call.
    std::string_view read(std::uint64_t offset, std::size_t bytes);
    bool failed() const { return failed_; }  // a read has

private:
    explicit InspectedFile(FileDescriptor file) : file_(std::move(file)) {}
    void fill(std::uint64_t offset, std::size_t bytes);

    FileDescriptor file_;
    std::uint64_t bytes_ = 0, blocks_ = 0;
    std::string window_;
    std::uint64_t window_at_ = 0;
    bool failed_ = false;
};

}  // namespace selvage::cache_store
