#include "cache_store/disk/log_segments.h"

#include <algorithm>

namespace selvage::cache_store {

bool Segments::readable(std::uint32_t number) const {
    const Segment& segment = all_[number];
    return segment.file && !segment.offline && segment.state != Segment::State::Dead;
}

std::optional<Place> Segments::place(const Location& location) const {
    if (!readable(location.segment)) return std::nullopt;
    const Segment& segment = all_[location.segment];
    return Place{.location = location, .file = segment.file, .life = segment.life};
}

std::optional<std::uint32_t> Segments::unused() const {
    for (std::uint32_t number = 0; number < all_.size(); ++number) {
        if (all_[number].state == Segment::State::Absent) return number;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Segments::oldest(bool pinned_too) const {
    std::optional<std::uint32_t> least;
    for (std::uint32_t number = 0; number < all_.size(); ++number) {
        const Segment& segment = all_[number];
        const bool whole = segment.state == Segment::State::Sealed || segment.state == Segment::State::Found;
        if (!whole || (segment.pins > 0 && !pinned_too)) continue;
        if (!least || segment.life.first < all_[*least].life.first) least = number;
    }
    return least;
}

std::optional<std::uint32_t> Segments::newest_found() const {
    std::optional<std::uint32_t> newest;
    for (std::uint32_t number = 0; number < all_.size(); ++number) {
        if (all_[number].state != Segment::State::Found) continue;
        if (!newest || all_[number].life.first > all_[*newest].life.first) newest = number;
    }
    return newest;
}

bool Segments::is_newest(std::uint32_t number) const {
    return std::ranges::none_of(
        all_, [&](const Segment& segment) { return segment.file && segment.life.first > all_[number].life.first; });
}

void Segments::find_again() {
    for (Segment& segment : all_) {
        if (segment.state == Segment::State::Sealed) segment.state = Segment::State::Found;
    }
}

bool Segments::any_older_than(const Life& life) const {
    return std::ranges::any_of(all_, [&](const Segment& segment) { return segment.file && segment.life.first < life.first; });
}

std::uint32_t Segments::files() const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(all_, [](const Segment& segment) { return segment.state != Segment::State::Absent; }));
}

std::uint32_t Segments::offline() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(all_, [](const Segment& segment) {
        return segment.offline || segment.given_up || segment.state == Segment::State::Dead;
    }));
}

std::uint32_t Segments::found() const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(all_, [](const Segment& segment) { return segment.state == Segment::State::Found; }));
}

}  // namespace selvage::cache_store
