#pragma once

#include <cstdint>

#include "cache_store/disk/log_contents.h"
#include "cache_store/disk/log_folder.h"
#include "cache_store/disk/log_tier.h"

namespace selvage::cache_store {

// What the parts of an open log work with. The folder, superblock, geometry and generation belong to who writes: one at a time,
// by LogTier's `writing` mutex.
struct LogHome {
    FileSystem& files;
    Clocks clocks;
    PurgeTable& purges;
    Log& log;
    LogFolder folder;
    std::shared_ptr<LogContents> contents;  // bodies that are being read share it
    Superblock superblock;
    Geometry geometry;
    std::uint64_t next_generation = 1;

    static constexpr std::string_view kTopic = "cache";
};

// The superblock that counts. Errors: as choose_superblock(), and Unreadable.
std::expected<Superblock, BadRecord> read_superblock(LogHome& home);
// home.superblock with the next serial, durable. 0 or the errno.
int write_superblock(LogHome& home);

// Gives up all segments and begins a new store of home.geometry with an identity of its own. Purges stay. 0 or the errno.
int begin_cold(LogHome& home);

// Removes a segment's file. False: it takes room still, and is Dead.
bool remove_segment(LogHome& home, std::uint32_t number);

// A segment's entries, in order: from its table of contents, or by verifying all its records when that is not sound.
struct SegmentEntries {
    std::vector<TocEntry> entries;
    std::uint64_t end = kSegmentHeader;
    Life life;
    bool sealed = false;
    bool unreadable = false;  // a read failed: there may be more
};
SegmentEntries read_entries(const LogFile& file, const SegmentHeader& header, std::uint64_t segment_bytes);
std::expected<SegmentHeader, BadRecord> read_segment_header(const LogFile& file);

}  // namespace selvage::cache_store
