#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache_store/purge/tag_floors.h"

namespace selvage::cache_store {

// How much is remembered before the oldest of it is folded into the floor under everything.
struct FloorBounds {
    std::size_t tags = 1U << 20;
    std::size_t globs = 100;
    std::size_t glob_bytes = 1U << 18;  // all texts together
};

// All that has been purged. A value, without locks: what the purge table answers from, and what the journal says.
class Floors {
public:
    struct GlobFloor {
        std::string glob;
        Floor floor;
    };

    const Floor& everything() const { return everything_; }
    const TagFloors& tags() const { return tags_; }
    const std::vector<GlobFloor>& globs() const { return globs_; }
    std::size_t glob_bytes() const { return glob_bytes_; }
    std::uint64_t folded() const { return folded_; }  // entries that were given up for the floor under everything

    // `path`: "SITE/path", or empty: no glob concerns it.
    Floor of(std::span<const Tag> tags, std::string_view path) const;

    // Is there room for the purge, without growing or folding? Room is made in a copy, so that nobody waits for it who looks up.
    bool has_room(const Purge& purge, const FloorBounds& bounds) const;
    Floors with_room(const Purge& purge, const FloorBounds& bounds) const;
    void raise(const Purge& purge, std::uint64_t number);  // has_room()

    // Both of them, where nobody else looks.
    void add(const Purge& purge, std::uint64_t number, const FloorBounds& bounds);

    void raise_everything(Floor floor) { everything_ = newest(everything_, floor); }
    Floors merged(const Floors& other, const FloorBounds& bounds) const;
    // Without what drops nothing that was born at `oldest` or later. It becomes a floor under everything: what is being made for
    // an older request is not stored yet.
    Floors without(std::uint64_t oldest) const;
    bool anything_below(std::uint64_t oldest) const;  // would without() leave anything out?

    // Entries as they are, for a copy or a journal's image.
    void add_tag(Tag tag, Floor floor, const FloorBounds& bounds);
    void add_glob(std::string_view glob, Floor floor, const FloorBounds& bounds);

private:
    Floors folded_to(std::size_t most_tags, std::size_t room, std::size_t most_globs, std::size_t most_glob_bytes) const;
    void put_glob(std::string_view glob, Floor floor);

    Floor everything_;
    TagFloors tags_;
    std::vector<GlobFloor> globs_;
    std::size_t glob_bytes_ = 0;
    std::uint64_t folded_ = 0;
};

// A purge within the bounds: one that would take more than a quarter of them is one of everything.
Purge bounded(const Purge& purge, const FloorBounds& bounds);

}  // namespace selvage::cache_store
