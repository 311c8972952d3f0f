#pragma once

#include <array>
#include <cstdint>

#include "cache_store/purge/purge_table.h"

namespace selvage::cache_store {

// Histograms by powers: bucket i counts values below the i-th bound, the last one all others.
inline constexpr std::array<std::uint32_t, 8> kAgeBounds = {10, 60, 600, 3'600, 21'600, 86'400, 604'800, 2'592'000};  // seconds
inline constexpr std::array<std::uint32_t, 7> kFrequencyBounds = {1, 2, 4, 8, 16, 32, 64};                            // hits
using AgeHistogram = std::array<std::uint64_t, kAgeBounds.size() + 1>;
using FrequencyHistogram = std::array<std::uint64_t, kFrequencyBounds.size() + 1>;

struct MemoryStats {
    std::uint64_t bytes = 0, objects = 0, limit = 0;
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t evictions = 0;
    std::uint64_t replaced = 0;  // by a newer object under the same key
    std::uint64_t rejected = 0;  // too large to keep
    std::uint64_t ghosts = 0;    // keys remembered after they left
    AgeHistogram evicted_age{};  // since they came
    FrequencyHistogram evicted_frequency{};
};

struct DiskStats {
    bool online = false;      // reads and writes
    std::uint64_t bytes = 0;  // all files
    std::uint64_t limit = 0;
    std::uint64_t live_bytes = 0;  // of records that the index knows
    std::uint64_t objects = 0;     // of any size; parts are not counted
    std::uint64_t segments = 0, segments_offline = 0, segment_bytes = 0;
    std::uint64_t open_segment_bytes = 0;  // written to the one that is open
    std::uint64_t index_slots = 0, index_used = 0;
    std::uint64_t hits = 0, misses = 0, would_block = 0;
    std::uint64_t corrupt = 0;  // a checksum or length did not fit
    std::uint64_t foreign = 0;  // sound, but of another key or generation: its segment was used again
    std::uint64_t read_errors = 0, write_errors = 0;
    std::uint64_t written_objects = 0, written_bytes = 0;  // asked for: records
    std::uint64_t device_bytes = 0;  // written in all: records, copies, tables, headers: over written_bytes, the amplification
    std::uint64_t copied_objects = 0, copied_bytes = 0;  // forward, when their segment was needed
    std::uint64_t evictions = 0;                         // objects that went with their segment
    std::uint64_t waiting_bytes = 0;                     // to be written
    std::uint64_t dropped_busy = 0, dropped_index_full = 0, dropped_offline = 0, dropped_too_large = 0;
    std::uint64_t found_segments = 0, indexed_segments = 0;  // of a restart
};

struct AdmissionStats {
    std::uint64_t first_fill = 0, costly = 0, seen_again = 0, hit_in_memory = 0;  // admitted, and why
    std::uint64_t not_yet = 0;                                                    // put that may come again
    std::uint64_t never_hit = 0;                                                  // left memory without a hit: not written
    std::uint64_t over_budget = 0;
};

struct WarmUpStats {
    std::uint64_t listed = 0, loaded = 0, missing = 0;
    bool done = true;
};

struct Stats {
    MemoryStats memory;
    DiskStats disk;
    AdmissionStats admission;
    WarmUpStats warm_up;
    PurgeStats purge;
    std::uint64_t purged = 0;  // look-ups that found what a purge had dropped
};

}  // namespace selvage::cache_store
