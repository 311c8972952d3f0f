#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cache_store/disk/log_home.h"
#include "cache_store/disk/log_output.h"

namespace selvage::cache_store {

// The end of the log: the open segment, and records on their way to it, gathered to writes of a MiB (log_output.h). When the
// segment is full it is sealed and the next one is opened: a number that has not been used, else the oldest's (log_eviction.h).
//
// One caller at a time; all that writes blocks. A write that fails gives the segment up: what it has is still read.
class LogWriter {
public:
    explicit LogWriter(LogHome& home) : home_(home), output_(home) {}

    // In order. What cannot be written is dropped, and counted.
    void write(std::vector<Waiting> items);
    // Makes durable what has been written.
    void sync();

    // Goes on behind the records of a segment that was open when the log was last used.
    void resume(std::uint32_t number, LogFilePtr file, SegmentEntries entries);
    // There is no open segment any more.
    void abandon();

    struct OpenSegment {
        std::uint32_t number = 0;
        LogFilePtr file;
        std::uint64_t generation = 0;
        std::uint64_t end = kSegmentHeader;  // of all records, those included that wait in the batch
        std::vector<TocEntry> entries;
    };
    const std::optional<OpenSegment>& open() const { return open_; }

private:
    enum class Trouble : std::uint8_t {
        None,
        NoRoom,  // every segment is being read from
        Fault,   // the disk
    };

    Trouble add(const Waiting& item);
    Trouble add_object(const Waiting& item);
    Trouble add_parts(const Waiting& item, RecordHeader header, std::vector<Written::Part>& parts);
    Trouble add_lifetimes(const Waiting& item);
    Trouble add_survivors(const std::vector<Waiting>& records);

    bool fits(std::uint64_t record_bytes) const;
    Trouble make_room(std::uint64_t record_bytes);
    void append(RecordHeader header, const Object* object, std::string_view body, bool carried);
    Location last_location() const;
    bool batch_is_full() const;
    Trouble flush();

    void seal();
    Trouble open_next();
    Trouble open_fresh(std::uint32_t number);
    Trouble open_again(std::uint32_t number);
    Trouble begin(std::uint32_t number, LogFilePtr file);
    int append_now(std::string_view bytes);  // of no record of an object: written at once. 0 or the errno
    Trouble failed(std::string_view what, int fault);
    void give_up();

    // What is gathered for one write, in output_; it ends where the open segment ends.
    struct Batch {
        std::vector<Written> records;
        std::uint64_t bytes = 0, carried_bytes = 0;
    };

    LogHome& home_;
    std::optional<OpenSegment> open_;
    LogOutput output_;
    Batch batch_;
};

}  // namespace selvage::cache_store
