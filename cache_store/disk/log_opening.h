#pragma once

#include <cstdint>

#include "cache_store/disk/log_home.h"
#include "cache_store/disk/log_writer.h"

namespace selvage::cache_store {

// Finds out what the folder holds, without reading records: superblock, segments' headers, purge journal. Begins cold when that
// cannot be used; keeps a log of a later version aside. Then all segments wait to be indexed.
// Errors: Internal, with the reason: the disk is of no use.
Result<void> open_log(LogHome& home, std::uint64_t limit);

// Reads the entries of one segment, newest first, into the index; the newest is gone on in when it was not sealed. Blocks for as
// long as that takes. False: there was none left, and the index is complete.
bool index_next(LogHome& home, LogWriter& writer);

// Another limit, now. Segments are removed, the oldest first, until it is kept. Blocks.
void change_limit(LogHome& home, LogWriter& writer, std::uint64_t limit);

}  // namespace selvage::cache_store
