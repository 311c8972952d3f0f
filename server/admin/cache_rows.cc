#include "server/admin/cache_rows.h"

namespace selvage::admin {

namespace {

using std::uint64_t;

// clang-format off
constexpr GaugeRow kRows[] = {
    {"cache_bytes", "gauge", "tier=\"memory\"", "Bytes kept, by tier: with their overhead, and of all files.", [](const Gauges& g) { return g.cache.memory.bytes; }},
    {"cache_bytes", "gauge", "tier=\"disk\"", "", [](const Gauges& g) { return g.cache.disk.bytes; }},
    {"cache_limit_bytes", "gauge", "tier=\"memory\"", "What may be kept, by tier.", [](const Gauges& g) { return g.cache.memory.limit; }},
    {"cache_limit_bytes", "gauge", "tier=\"disk\"", "", [](const Gauges& g) { return g.cache.disk.limit; }},
    {"cache_objects", "gauge", "tier=\"memory\"", "Objects kept, by tier.", [](const Gauges& g) { return g.cache.memory.objects; }},
    {"cache_objects", "gauge", "tier=\"disk\"", "", [](const Gauges& g) { return g.cache.disk.objects; }},
    {"cache_hits_total", "counter", "tier=\"memory\"", "Look-ups that found an object, by tier.", [](const Gauges& g) { return g.cache.memory.hits; }},
    {"cache_hits_total", "counter", "tier=\"disk\"", "", [](const Gauges& g) { return g.cache.disk.hits; }},
    {"cache_misses_total", "counter", "tier=\"memory\",reason=\"not_there\"", "Look-ups that found nothing, by tier and reason.", [](const Gauges& g) { return g.cache.memory.misses; }},
    {"cache_misses_total", "counter", "tier=\"disk\",reason=\"not_there\"", "", [](const Gauges& g) { return g.cache.disk.misses; }},
    {"cache_misses_total", "counter", "tier=\"disk\",reason=\"corrupt\"", "", [](const Gauges& g) { return g.cache.disk.corrupt; }},
    {"cache_misses_total", "counter", "tier=\"disk\",reason=\"foreign\"", "", [](const Gauges& g) { return g.cache.disk.foreign; }},
    {"cache_misses_total", "counter", "tier=\"disk\",reason=\"read_error\"", "", [](const Gauges& g) { return g.cache.disk.read_errors; }},
    {"cache_misses_total", "counter", "tier=\"both\",reason=\"purged\"", "", [](const Gauges& g) { return g.cache.purged; }},
    {"cache_would_block_total", "counter", "", "Disk look-ups on a loop that were left to the work pool, since the page cache had not all of it.", [](const Gauges& g) { return g.cache.disk.would_block; }},
    {"cache_evictions_total", "counter", "tier=\"memory\"", "Objects evicted to stay within the limit, by tier.", [](const Gauges& g) { return g.cache.memory.evictions; }},
    {"cache_evictions_total", "counter", "tier=\"disk\"", "", [](const Gauges& g) { return g.cache.disk.evictions; }},
    {"cache_replaced_total", "counter", "", "Objects in memory that a newer one took the place of.", [](const Gauges& g) { return g.cache.memory.replaced; }},
    {"cache_rejected_total", "counter", "", "Objects that were too large to keep in memory.", [](const Gauges& g) { return g.cache.memory.rejected; }},
    {"cache_ghosts", "gauge", "", "Keys that left memory and whose frequency is remembered.", [](const Gauges& g) { return g.cache.memory.ghosts; }},
    {"cache_admissions_total", "counter", "reason=\"first_fill\"", "Objects admitted to the disk, by reason.", [](const Gauges& g) { return g.cache.admission.first_fill; }},
    {"cache_admissions_total", "counter", "reason=\"costly\"", "", [](const Gauges& g) { return g.cache.admission.costly; }},
    {"cache_admissions_total", "counter", "reason=\"seen_again\"", "", [](const Gauges& g) { return g.cache.admission.seen_again; }},
    {"cache_admissions_total", "counter", "reason=\"hit_in_memory\"", "", [](const Gauges& g) { return g.cache.admission.hit_in_memory; }},
    {"cache_not_admitted_total", "counter", "reason=\"not_yet\"", "Objects not written to the disk, by reason; one that is not yet admitted may come again.", [](const Gauges& g) { return g.cache.admission.not_yet; }},
    {"cache_not_admitted_total", "counter", "reason=\"never_hit\"", "", [](const Gauges& g) { return g.cache.admission.never_hit; }},
    {"cache_not_admitted_total", "counter", "reason=\"over_budget\"", "", [](const Gauges& g) { return g.cache.admission.over_budget; }},
    {"cache_not_admitted_total", "counter", "reason=\"busy\"", "", [](const Gauges& g) { return g.cache.disk.dropped_busy; }},
    {"cache_not_admitted_total", "counter", "reason=\"offline\"", "", [](const Gauges& g) { return g.cache.disk.dropped_offline; }},
    {"cache_not_admitted_total", "counter", "reason=\"too_large\"", "", [](const Gauges& g) { return g.cache.disk.dropped_too_large; }},
    {"cache_not_admitted_total", "counter", "reason=\"index_full\"", "", [](const Gauges& g) { return g.cache.disk.dropped_index_full; }},
    {"cache_disk_online", "gauge", "", "1 while the disk tier is in use.", [](const Gauges& g) { return uint64_t{g.cache.disk.online}; }},
    {"cache_disk_errors_total", "counter", "operation=\"read\"", "Failed reads and writes of the disk tier.", [](const Gauges& g) { return g.cache.disk.read_errors; }},
    {"cache_disk_errors_total", "counter", "operation=\"write\"", "", [](const Gauges& g) { return g.cache.disk.write_errors; }},
    {"cache_disk_live_bytes", "gauge", "", "Bytes of records that can still be found.", [](const Gauges& g) { return g.cache.disk.live_bytes; }},
    {"cache_segments", "gauge", "state=\"all\"", "Segments of the disk tier.", [](const Gauges& g) { return g.cache.disk.segments; }},
    {"cache_segments", "gauge", "state=\"offline\"", "", [](const Gauges& g) { return g.cache.disk.segments_offline; }},
    {"cache_segment_bytes", "gauge", "", "Bytes of one segment.", [](const Gauges& g) { return g.cache.disk.segment_bytes; }},
    {"cache_open_segment_bytes", "gauge", "", "Bytes written to the segment that is open.", [](const Gauges& g) { return g.cache.disk.open_segment_bytes; }},
    {"cache_index_slots", "gauge", "state=\"all\"", "Slots of the index of the disk.", [](const Gauges& g) { return g.cache.disk.index_slots; }},
    {"cache_index_slots", "gauge", "state=\"used\"", "", [](const Gauges& g) { return g.cache.disk.index_used; }},
    {"cache_written_bytes_total", "counter", "what=\"records\"", "Bytes written to the disk: those of new records, and all; the second over the first is the write amplification.", [](const Gauges& g) { return g.cache.disk.written_bytes; }},
    {"cache_written_bytes_total", "counter", "what=\"all\"", "", [](const Gauges& g) { return g.cache.disk.device_bytes; }},
    {"cache_written_objects_total", "counter", "", "Objects written to the disk.", [](const Gauges& g) { return g.cache.disk.written_objects; }},
    {"cache_copied_objects_total", "counter", "", "Objects copied forward when their segment was used again.", [](const Gauges& g) { return g.cache.disk.copied_objects; }},
    {"cache_copied_bytes_total", "counter", "", "Bytes of these.", [](const Gauges& g) { return g.cache.disk.copied_bytes; }},
    {"cache_waiting_bytes", "gauge", "", "Bytes that wait to be written.", [](const Gauges& g) { return g.cache.disk.waiting_bytes; }},
    {"cache_restart_segments", "gauge", "state=\"found\"", "Segments found on starting, and those that have been indexed since.", [](const Gauges& g) { return g.cache.disk.found_segments; }},
    {"cache_restart_segments", "gauge", "state=\"indexed\"", "", [](const Gauges& g) { return g.cache.disk.indexed_segments; }},
    {"cache_warm_up_objects", "gauge", "state=\"listed\"", "Objects that were hot before the restart, and what came of them.", [](const Gauges& g) { return g.cache.warm_up.listed; }},
    {"cache_warm_up_objects", "gauge", "state=\"loaded\"", "", [](const Gauges& g) { return g.cache.warm_up.loaded; }},
    {"cache_warm_up_objects", "gauge", "state=\"missing\"", "", [](const Gauges& g) { return g.cache.warm_up.missing; }},
    {"cache_purge_sequence", "gauge", "", "Number of the newest purge.", [](const Gauges& g) { return g.cache.purge.sequence; }},
    {"cache_purges_total", "counter", "", "Purges since the start.", [](const Gauges& g) { return g.cache.purge.purges; }},
    {"cache_purge_entries", "gauge", "kind=\"tag\"", "What is remembered of purges.", [](const Gauges& g) { return g.cache.purge.tags; }},
    {"cache_purge_entries", "gauge", "kind=\"glob\"", "", [](const Gauges& g) { return g.cache.purge.globs; }},
    {"cache_purge_folded_total", "counter", "", "Entries given up for a purge of everything older, to keep their number bounded.", [](const Gauges& g) { return g.cache.purge.folded; }},
    {"cache_purge_journal_bytes", "gauge", "", "Bytes of the purge journal.", [](const Gauges& g) { return g.cache.purge.journal_bytes; }},
};
// clang-format on

}  // namespace

std::span<const GaugeRow> cache_rows() { return kRows; }

}  // namespace selvage::admin
