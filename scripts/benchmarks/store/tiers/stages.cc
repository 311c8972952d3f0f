#include "stages.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "disk_usage.h"
#include "file_per_object.h"
#include "phase.h"
#include "selvage_store.h"

namespace selvage::bench {
namespace {

constexpr std::uint64_t kMemory = 64ULL << 20;
constexpr std::size_t kReads = 20'000;

std::unique_ptr<Contender> make(const Arguments& arguments) {
    const auto& [contender, folder, limit, count] = arguments;
    if (contender == "files") return std::make_unique<FilePerObject>(folder, limit);
    return std::make_unique<SelvageStore>(folder, limit, contender == "disk" ? 0 : kMemory);
}

std::uint64_t resident_bytes() {
    std::uint64_t all = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// What was written in all, by the store's own account and by ours; nothing to say of files.
std::string written(const Contender& contender) {
    const auto* ours = dynamic_cast<const SelvageStore*>(&contender);
    if (ours == nullptr) return {};
    const auto disk = ours->store().stats().disk;
    return fmt::format(
        R"(, "refused": {}, "written_bytes": {}, "device_bytes": {}, "counted_bytes": {}, "synced": {}, "copied_bytes": {})",
        ours->refused(), disk.written_bytes, disk.device_bytes, ours->counts().written, ours->counts().synced, disk.copied_bytes);
}

// Of ours: reads what the memory does not have, and then what it has. Of a file per object: reads and verifies bodies, as ours
// does.
std::string more_reads(Contender& contender, const Objects& objects, std::span<const std::uint64_t> numbers) {
    auto* ours = dynamic_cast<SelvageStore*>(&contender);
    if (ours == nullptr) {
        std::uint64_t checksums = 0;
        const Reader verify = [&](const Key128& key) {
            auto found = contender.read(key);
            checksums += checksum64(found.body);
            return found;
        };
        const Phase verified = read(verify, objects, numbers);
        return fmt::format(R"(, "verified": {}, "checksums": {})", json(verified), checksums);
    }
    ours->set_memory(4ULL << 30);
    const Phase promoting = read([&](const Key128& key) { return ours->read(key); }, objects, numbers);
    const Phase found = read([&](const Key128& key) { return ours->find(key); }, objects, numbers);
    return fmt::format(R"(, "promoting": {}, "found": {})", json(promoting), json(found));
}

Phase evict_half(Contender& contender, std::uint64_t limit) {
    const std::uint64_t before = contender.evicted();
    const Stopwatch watch;
    contender.shrink(limit / 2);
    const Spent spent = watch.spent();
    return {.operations = contender.evicted() - before, .spent = spent, .settling = {}};
}

}  // namespace

std::string churn(const Arguments& arguments) {
    const auto contender = make(arguments);
    const Objects objects;
    std::uint64_t next = 0;
    const Phase empty = put(*contender, objects, next, arguments.limit * 9 / 10);
    const std::uint64_t evicted = contender->evicted();
    const Phase steady = put(*contender, objects, next, arguments.limit * 3 / 2);
    const std::uint64_t gone = contender->evicted() - evicted;
    const std::string amplification = written(*contender);
    // The last half of what fits is there for certain; but for the very last, which may still wait to be written.
    const auto fitting = static_cast<std::uint64_t>(static_cast<double>(arguments.limit) / 31e3);
    const auto numbers = shuffled(objects, next - fitting / 2, next - 500, kReads, 1);
    const Reader reader = [&](const Key128& key) { return contender->read(key); };
    // Without memory: else they would be found there.
    if (auto* ours = dynamic_cast<SelvageStore*>(contender.get())) ours->set_memory(0);
    // What our log has just written is not in the page cache, a file's bytes are: so the first time is another matter.
    const Phase first = read([&](const Key128& key) { return contender->read_waiting(key); }, objects, numbers);
    const Phase hits = read(reader, objects, numbers);
    const std::string reads = more_reads(*contender, objects, numbers);
    const std::uint64_t on_disk = disk_usage(arguments.folder);
    const Phase half = evict_half(*contender, arguments.limit);
    return fmt::format(
        R"({{"empty": {}, "steady": {}, "evicted": {}, "first": {}, "hits": {}, "eviction": {}, "on_disk": {}{}{}}})",
        json(empty), json(steady), gone, json(first), json(hits), json(half), on_disk, reads, amplification);
}

std::string flood(const Arguments& arguments) {
    const auto contender = make(arguments);
    const Objects objects;
    DiskWatch watch(arguments.folder);
    std::uint64_t next = 0;
    const Phase puts = put(*contender, objects, next, arguments.limit * 3);
    const auto [most, times] = watch.stop();
    return fmt::format(R"({{"puts": {}, "limit": {}, "most": {}, "times": {}{}}})", json(puts), arguments.limit, most, times,
                       written(*contender));
}

std::string fill(const Arguments& arguments) {
    const auto contender = make(arguments);
    const Objects objects(kSmall);
    std::uint64_t next = 0;
    const Phase puts = put(*contender, objects, next, arguments.count * kSmall);
    return fmt::format(R"({{"puts": {}, "count": {}{}}})", json(puts), next, written(*contender));
}

namespace {

std::string restart_files(const Arguments& arguments) {
    const std::uint64_t before = resident_bytes();
    FilePerObject files(arguments.folder, UINT64_MAX);
    const Stopwatch watch;
    files.walk();
    const Spent all = watch.spent();
    return fmt::format(R"({{"objects": {}, "cpu": {:.6f}, "wall": {:.6f}, "resident": {}}})", files.objects(), all.cpu, all.wall,
                       resident_bytes() - before);
}

bool indexed(const cache_store::Store& store) {
    const auto disk = store.stats().disk;
    return disk.indexed_segments >= disk.found_segments;
}

}  // namespace

std::string restart(const Arguments& arguments) {
    if (arguments.contender == "files") return restart_files(arguments);
    const std::uint64_t before = resident_bytes();
    const Stopwatch watch;
    SelvageStore ours(arguments.folder, arguments.limit, 0);
    const Spent opening = watch.spent();
    while (!indexed(ours.store())) ours.settle();
    const Spent all = watch.spent();
    const auto disk = ours.store().stats().disk;
    const std::uint64_t resident = resident_bytes() - before;
    const Objects objects(kSmall);
    const auto sample = shuffled(objects, 0, arguments.count, 1000, 2);
    // Not read(): after a restart nothing may be in the page cache.
    const Phase found = read(
        [&](const Key128& key) -> Contender::Read {
            const auto object = ours.store().fetch(key, {}).object;
            return object ? Contender::Read{.owner = object, .body = object->body->view()} : Contender::Read{};
        },
        objects, sample);
    return fmt::format(
        R"({{"objects": {}, "opening": {:.6f}, "cpu": {:.6f}, "wall": {:.6f}, "index_bytes": {}, "resident": {}, "missing": {}}})",
        disk.objects, opening.wall, all.cpu, all.wall, disk.index_slots * 16, resident, found.failed);
}

}  // namespace selvage::bench
