#include <fmt/format.h>

#include "phase.h"
#include "selvage_store.h"
#include "stages.h"

// The stage `purge` of stages.h.
namespace selvage::bench {
namespace {

using namespace cache_store;

constexpr std::size_t kTimes = 50;
constexpr std::size_t kSample = 1000;
constexpr std::string_view kPath = "example.org/assets/x.avif";

Tag prefix() { return tag_of(TagKind::Prefix, std::string_view("example.org\0/assets/", 20)); }

// Numbers of objects, and for whom they are looked up.
struct Sample {
    std::uint64_t begin, end;
    std::span<const Tag> asking;
};

// How many of a sample of them are there.
std::size_t present(const SelvageStore& ours, const Objects& objects, const Sample& sample, std::uint64_t seed) {
    const Floor floor = ours.store().floor_of(sample.asking, kPath);
    std::size_t found = 0;
    for (const auto number : shuffled(objects, sample.begin, sample.end, kSample, seed)) {
        if (ours.store().fetch(objects.key(number), floor).object) ++found;
    }
    return found;
}

std::string one(const SelvageStore& ours, const Purge& what) {
    const auto before = ours.counts();
    const Stopwatch watch;
    const bool done = ours.store().purge(what).has_value();
    const Spent all = watch.spent();
    const auto after = ours.counts();
    return fmt::format(R"({{"done": {}, "cpu": {:.9f}, "wall": {:.9f}, "sync_cpu": {:.9f}, "sync_wall": {:.9f}, "syncs": {}}})",
                       done, all.cpu, all.wall, after.syncing.cpu - before.syncing.cpu, after.syncing.wall - before.syncing.wall,
                       after.synced - before.synced);
}

// The first purge of a kind is the one that all objects go by; the others are for its figures.
std::string kind(const SelvageStore& ours, const Objects& objects, const Sample& sample, const Purge& what) {
    const auto before = present(ours, objects, sample, 1);
    std::string all;
    for (std::size_t time = 0; time < kTimes; ++time) all += (time == 0 ? "" : ", ") + one(ours, what);
    const auto after = present(ours, objects, sample, 2);
    return fmt::format(R"({{"present_before": {}, "present_after": {}, "purges": [{}]}})", before, after, all);
}

}  // namespace

std::string purge(const Arguments& arguments) {
    SelvageStore ours(arguments.folder, arguments.limit, 0);
    const auto indexed = [&](const DiskStats& disk) { return disk.indexed_segments >= disk.found_segments; };
    while (!indexed(ours.store().stats().disk)) ours.settle();
    const Objects objects(kSmall);
    // By a prefix they are gone for who asks below it. The tag is their own. Then there must be others for everything.
    const Tag below[] = {prefix()};
    const std::uint64_t count = arguments.count;
    const std::string by_prefix = kind(ours, objects, {0, count, below}, Purge{.tags = {prefix()}});
    const std::string by_tag = kind(ours, objects, {0, count, {}}, Purge{.tags = {Objects::tag()}});
    std::uint64_t next = count;
    put(ours, objects, next, kSample * kSmall);
    const std::string everything = kind(ours, objects, {count, next, {}}, Purge{.everything = true});
    return fmt::format(R"({{"prefix": {}, "tag": {}, "everything": {}}})", by_prefix, by_tag, everything);
}

}  // namespace selvage::bench
