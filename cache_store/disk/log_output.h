#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "cache_store/disk/log_home.h"

namespace selvage::cache_store {

// The open segment's bytes on their way to the disk: gathered in a buffer, and written from it past the page cache (O_DIRECT) in
// whole blocks. The last block, as far as it is filled, stays in the buffer and is written again with what follows it: its bytes
// do not change, what is behind them is zeros until then. Where the file system refuses direct writes, the same bytes are written
// through the page cache.
//
// One caller at a time. Errors of all of these: 0 or the errno.
class LogOutput {
public:
    // What every disk takes: they ask for 512 or 4096.
    static constexpr std::size_t kBlock = 4096;
    // A huge page: a write of a MiB from one costs 1.1 µs per 31 KB, from pages of 4 KiB, which are looked up one by one, 2.2.
    static constexpr std::size_t kCapacity = 2U << 20;

    explicit LogOutput(LogHome& home) : home_(home) {}

    // From `offset` of that segment on; what its block holds before that is read. Blocks.
    int begin(std::uint32_t number, LogFilePtr file, std::uint64_t offset);
    // There is no open segment any more; what has not been flushed is dropped.
    void end();

    bool has_room(std::size_t bytes) const { return used_ + bytes <= kCapacity; }
    // For so many bytes more, which the caller fills: there is room.
    char* extend(std::size_t bytes);
    // Any number of them: what does not fit is flushed. Blocks.
    int append(std::string_view bytes);
    // Goes on there. What was appended has been flushed; what is left out is zeros or what it was.
    void skip_to(std::uint64_t offset);
    // All that was appended is written, as far as write() goes. Blocks.
    int flush();

private:
    struct Free {
        void operator()(char* bytes) const { std::free(bytes); }
    };

    int load(std::uint64_t offset);
    int write(std::size_t bytes);
    void refused(int fault);

    LogHome& home_;
    LogFilePtr file_, direct_;  // of the same segment; without the second, all goes through the first
    std::unique_ptr<char, Free> buffer_;
    std::uint64_t start_ = 0;  // of the buffer in the segment: where a block begins
    std::size_t used_ = 0;
    std::size_t written_ = 0;  // of these, at the front
    bool told_ = false;        // that direct writes are refused
};

}  // namespace selvage::cache_store
