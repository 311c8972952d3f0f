#include "cache_store/disk/index.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace selvage::cache_store {
namespace {

// A location in 62 bits; never 0, as no record lies at offset 0.
//   offset/8 29 | segment 11 | length/512 12 | cost 5 | hits 3 | part 1 | lifetimes 1
constexpr int kSegmentAt = 29, kLengthAt = 40, kCostAt = 52, kHitsAt = 57, kPartAt = 60, kLifetimesAt = 61;
constexpr std::uint64_t kOffsets = (1ULL << 29) - 1, kSegments = 2047, kLengths = 4095, kCosts = 31, kMostHits = 7;
constexpr std::uint64_t kPlace = (1ULL << kLengthAt) - 1;  // offset and segment
constexpr std::uint32_t kLengthUnit = 512;
constexpr std::size_t kMostSlots = 1ULL << 32;  // 64 GiB: nobody means that

std::uint64_t packed(const Location& at) {
    const auto length = std::min<std::uint64_t>((std::uint64_t{at.length} + kLengthUnit - 1) / kLengthUnit, kLengths);
    return (at.offset / 8 & kOffsets) | (at.segment & kSegments) << kSegmentAt | length << kLengthAt |
           std::min<std::uint64_t>(at.cost_log, kCosts) << kCostAt | std::min<std::uint64_t>(at.hits, kMostHits) << kHitsAt |
           std::uint64_t{at.part} << kPartAt | std::uint64_t{at.lifetimes} << kLifetimesAt;
}

Location unpacked(std::uint64_t bits) {
    return {.segment = static_cast<std::uint32_t>(bits >> kSegmentAt & kSegments),
            .offset = (bits & kOffsets) * 8,
            .length = static_cast<std::uint32_t>(bits >> kLengthAt & kLengths) * kLengthUnit,
            .cost_log = static_cast<std::uint8_t>(bits >> kCostAt & kCosts),
            .hits = static_cast<std::uint8_t>(bits >> kHitsAt & kMostHits),
            .part = (bits >> kPartAt & 1) != 0,
            .lifetimes = (bits >> kLifetimesAt & 1) != 0};
}

// Spreads any key over 64 bits: tests count their keys from 1. The finaliser of MurmurHash3.
std::uint64_t fingerprint(const Key128& key) {
    std::uint64_t mixed = key.high ^ (key.low * 0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 33) * 0xFF51AFD7ED558CCD;
    mixed = (mixed ^ mixed >> 33) * 0xC4CEB9FE1A85EC53;
    return mixed ^ mixed >> 33;
}

}  // namespace

struct Index::Slot {
    std::uint64_t fingerprint;
    std::uint64_t location;  // 0: empty
};

namespace {

// A walk from a fingerprint's own slot on, around the end.
// Any number of slots will do: the fingerprint as a fraction of 2^64 says where (Lemire's multiplication instead of a remainder).
template <typename Slot>
struct Walk {
    Slot* slots;
    std::size_t count;

    std::size_t home(std::uint64_t of) const {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::size_t>((Wide{of} * count) >> 64);
    }
    std::size_t next(std::size_t at) const { return at + 1 == count ? 0 : at + 1; }
    std::size_t before(std::size_t at) const { return at == 0 ? count - 1 : at - 1; }
    // How far what lies in this slot is from its own.
    std::size_t distance(std::size_t at) const {
        const auto own = home(slots[at].fingerprint);
        return at >= own ? at - own : at + count - own;
    }

    // Where it lies, or where it would have to.
    struct End {
        std::size_t at;
        bool found;
    };
    End find(std::uint64_t wanted) const {
        std::size_t at = home(wanted);
        for (std::size_t walked = 0;; ++walked, at = next(at)) {
            if (slots[at].location == 0) return {at, false};
            if (slots[at].fingerprint == wanted) return {at, true};
            if (distance(at) < walked) return {at, false};
        }
    }
    // Moves what lies from here to the next empty slot one further.
    void make_room(std::size_t here) const {
        std::size_t empty = here;
        while (slots[empty].location != 0) empty = next(empty);
        for (; empty != here; empty = before(empty)) slots[empty] = slots[before(empty)];
    }
    // Moves what was pushed from its own slot one back.
    void close_gap(std::size_t here) const {
        for (std::size_t from = next(here); slots[from].location != 0 && distance(from) > 0; from = next(from)) {
            slots[here] = slots[from];
            here = from;
        }
        slots[here].location = 0;
    }
};

}  // namespace

// calloc: pages that nobody touched cost nothing.
Index::Index(std::size_t slots) : table_(nullptr, &std::free) {
    slots = std::max<std::size_t>(slots, 8);
    if (slots > kMostSlots) return;
    table_.reset(static_cast<Slot*>(std::calloc(slots, sizeof(Slot))));
    if (table_) slots_ = slots;
}

std::optional<Location> Index::find(const Key128& key) const {
    if (slots_ == 0) return std::nullopt;
    const auto end = Walk<Slot>{table_.get(), slots_}.find(fingerprint(key));
    if (!end.found) return std::nullopt;
    return unpacked(table_[end.at].location);
}

std::optional<Location> Index::hit(const Key128& key) {
    if (slots_ == 0) return std::nullopt;
    const auto end = Walk<Slot>{table_.get(), slots_}.find(fingerprint(key));
    if (!end.found) return std::nullopt;
    auto& bits = table_[end.at].location;
    if ((bits >> kHitsAt & kMostHits) < kMostHits) bits += 1ULL << kHitsAt;
    return unpacked(bits);
}

bool Index::insert(const Key128& key, const Location& location, std::optional<Location>* before) {
    if (slots_ == 0) return false;
    const Walk<Slot> walk{table_.get(), slots_};
    const auto mark = fingerprint(key);
    const auto end = walk.find(mark);
    auto& slot = table_[end.at];
    if (before != nullptr) *before = end.found ? std::optional(unpacked(slot.location)) : std::nullopt;
    if (!end.found) {
        if (used_ >= capacity()) return false;
        walk.make_room(end.at);
        ++used_;
    }
    slot = {.fingerprint = mark, .location = packed(location)};
    return true;
}

bool Index::erase(const Key128& key, std::uint32_t segment, std::uint64_t offset) {
    if (slots_ == 0) return false;
    const Walk<Slot> walk{table_.get(), slots_};
    const auto end = walk.find(fingerprint(key));
    if (!end.found || (table_[end.at].location & kPlace) != (packed({.segment = segment, .offset = offset}) & kPlace))
        return false;
    walk.close_gap(end.at);
    --used_;
    return true;
}

bool Index::erase(const Key128& key) {
    const auto found = find(key);
    return found && erase(key, found->segment, found->offset);
}

std::size_t Index::size() const { return used_; }
std::size_t Index::slots() const { return slots_; }
std::size_t Index::bytes() const { return slots_ * sizeof(Slot); }
std::size_t Index::capacity() const { return slots_ / 8 * 7; }

std::size_t Index::slots_for(std::uint64_t disk_bytes) {
    constexpr std::uint64_t first = 1ULL << 20, fine = 4096, coarse = 16384;
    const auto slots = disk_bytes <= first * fine ? disk_bytes / fine : first + (disk_bytes - first * fine) / coarse;
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(slots, 1024, 1ULL << 26));
}

}  // namespace selvage::cache_store
