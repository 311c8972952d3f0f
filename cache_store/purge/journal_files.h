#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cache_store/file_system.h"
#include "cache_store/purge/purge_journal.h"

namespace selvage::cache_store {

// The journal's two files in a folder: read once, then one of them grows. One thread at a time; everything blocks.
class JournalFiles {
public:
    // `folder`: a descriptor, borrowed. Both outlive this.
    JournalFiles(int folder, FileSystem& files) : folder_(folder), files_(files) {}
    ~JournalFiles();
    JournalFiles(const JournalFiles&) = delete;
    JournalFiles& operator=(const JournalFiles&) = delete;

    // What both say together; without any: nothing has been purged, and `any` is false.
    // Errors: Internal when there are journals and none is sound, or one is of a later version, or cannot be read.
    struct Past {
        bool any = false;
        bool damaged = false;
        std::uint64_t sequence = 0;
        Floors floors;
    };
    Result<Past> read(const FloorBounds& bounds);

    // Begins the next journal, durable when it returns; the one before is removed. After an error that one is still the journal.
    Result<void> begin(std::uint64_t sequence, const Floors& floors);
    // Durable when it returns. After an error the journal takes no more: begin the next one.
    Result<void> append(std::string_view groups);

    bool takes_more() const { return file_ >= 0 && !broken_; }
    std::uint64_t number() const { return number_; }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t bytes_at_beginning() const { return image_bytes_; }

private:
    struct Slot {
        bool there = false;
        std::string bytes;
    };
    Result<Slot> load(std::uint64_t slot);
    Result<int> write_new(std::uint64_t number, std::string_view image);  // the file's descriptor

    int folder_;
    FileSystem& files_;
    int file_ = -1;
    bool broken_ = false;
    std::uint64_t number_ = 0;     // of the journal that grows; before begin(): the greatest that was found
    std::uint64_t keep_slot_ = 0;  // the file that must not be written by begin()
    std::uint64_t bytes_ = 0;
    std::uint64_t image_bytes_ = 0;  // of bytes_, written when it was begun
};

}  // namespace selvage::cache_store
