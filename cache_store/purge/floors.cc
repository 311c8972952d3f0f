#include "cache_store/purge/floors.h"

#include <algorithm>

#include "base/url.h"

namespace selvage::cache_store {
namespace {

std::uint64_t age_of(const Floor& floor) { return std::max(floor.gone, floor.stale); }

Floor floor_of(Purge::Effect effect, std::uint64_t number) {
    return effect == Purge::Effect::Hard ? Floor{.gone = number, .stale = 0} : Floor{.gone = 0, .stale = number};
}

std::size_t bytes_of(std::span<const std::string> globs) {
    std::size_t bytes = 0;
    for (const std::string& glob : globs) bytes += glob.size();
    return bytes;
}

// The number up to which floors must go so that at most `most` of them stay; 0: none.
std::uint64_t threshold(std::vector<std::uint64_t> ages, std::size_t most) {
    if (ages.size() <= most) return 0;
    const auto last_to_go = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() - most - 1);
    std::ranges::nth_element(ages, last_to_go);
    return *last_to_go;
}

}  // namespace

Floor Floors::of(std::span<const Tag> tags, std::string_view path) const {
    Floor floor = everything_;
    if (tags_.size() > 0) {
        for (const Tag tag : tags) floor = newest(floor, tags_.find(tag));
    }
    if (path.empty()) return floor;
    for (const GlobFloor& glob : globs_) {
        const Floor both = newest(floor, glob.floor);
        if (both != floor && glob_match(glob.glob, path)) floor = both;
    }
    return floor;
}

bool Floors::has_room(const Purge& purge, const FloorBounds& bounds) const {
    return tags_.has_room(purge.tags.size()) && tags_.size() + purge.tags.size() <= bounds.tags &&
           globs_.size() + purge.globs.size() <= bounds.globs && glob_bytes_ + bytes_of(purge.globs) <= bounds.glob_bytes;
}

Floors Floors::with_room(const Purge& purge, const FloorBounds& bounds) const {
    // Past the bound a quarter goes at once, so that the next purges find room without another copy.
    const bool many = tags_.size() + purge.tags.size() > bounds.tags;
    const std::size_t most_tags = many ? bounds.tags / 4 * 3 - std::min(bounds.tags / 4 * 3, purge.tags.size()) : tags_.size();
    const std::size_t room = std::min(bounds.tags, 2 * (most_tags + purge.tags.size()) + 64);
    return folded_to(most_tags, room, bounds.globs - std::min(bounds.globs, purge.globs.size()),
                     bounds.glob_bytes - std::min(bounds.glob_bytes, bytes_of(purge.globs)));
}

Floors Floors::folded_to(std::size_t most_tags, std::size_t room, std::size_t most_globs, std::size_t most_glob_bytes) const {
    Floors result;
    result.everything_ = everything_;
    result.folded_ = folded_;
    result.tags_ = TagFloors(room);

    std::vector<std::uint64_t> ages;
    if (tags_.size() > most_tags) {
        ages.reserve(tags_.size());
        tags_.each([&](const TagFloors::Entry& entry) { ages.push_back(age_of(entry.floor)); });
    }
    const std::uint64_t goes = threshold(std::move(ages), most_tags);
    const auto fold = [&](const Floor& floor) {
        result.raise_everything(floor);
        ++result.folded_;
    };
    tags_.each([&](const TagFloors::Entry& entry) {
        if (age_of(entry.floor) <= goes) return fold(entry.floor);
        result.tags_.raise(entry.tag, entry.floor);
    });

    std::vector<GlobFloor> globs = globs_;
    std::ranges::sort(globs, std::greater{}, [](const GlobFloor& glob) { return age_of(glob.floor); });
    for (const GlobFloor& glob : globs) {
        const bool fits = result.globs_.size() < most_globs && result.glob_bytes_ + glob.glob.size() <= most_glob_bytes;
        if (fits) {
            result.put_glob(glob.glob, glob.floor);
        } else {
            fold(glob.floor);
        }
    }
    return result;
}

void Floors::raise(const Purge& purge, std::uint64_t number) {
    if (number == 0) return;  // nothing is born before it
    const Floor floor = floor_of(purge.effect, number);
    if (purge.everything) raise_everything(floor);
    for (const Tag tag : purge.tags) tags_.raise(tag, floor);
    for (const std::string& glob : purge.globs) put_glob(glob, floor);
}

void Floors::put_glob(std::string_view glob, Floor floor) {
    const auto same = std::ranges::find(globs_, glob, &GlobFloor::glob);
    if (same != globs_.end()) {
        same->floor = newest(same->floor, floor);
        return;
    }
    globs_.push_back({std::string(glob), floor});
    glob_bytes_ += glob.size();
}

void Floors::add(const Purge& purge, std::uint64_t number, const FloorBounds& bounds) {
    const Purge within = bounded(purge, bounds);
    if (!has_room(within, bounds)) *this = with_room(within, bounds);
    raise(within, number);
}

void Floors::add_tag(Tag tag, Floor floor, const FloorBounds& bounds) {
    if (age_of(floor) == 0) return;
    const Purge one{.effect = Purge::Effect::Hard, .everything = false, .tags = {tag}, .globs = {}};
    if (!has_room(one, bounds)) *this = with_room(one, bounds);
    tags_.raise(tag, floor);
}

void Floors::add_glob(std::string_view glob, Floor floor, const FloorBounds& bounds) {
    if (age_of(floor) == 0) return;
    const Purge one{.effect = Purge::Effect::Hard, .everything = false, .tags = {}, .globs = {std::string(glob)}};
    if (bounded(one, bounds).everything) return raise_everything(floor);
    if (!has_room(one, bounds)) *this = with_room(one, bounds);
    put_glob(glob, floor);
}

Floors Floors::merged(const Floors& other, const FloorBounds& bounds) const {
    Floors result = *this;
    result.folded_ = std::max(folded_, other.folded_);
    result.raise_everything(other.everything_);
    other.tags_.each([&](const TagFloors::Entry& entry) { result.add_tag(entry.tag, entry.floor, bounds); });
    for (const GlobFloor& glob : other.globs_) result.add_glob(glob.glob, glob.floor, bounds);
    return result;
}

bool Floors::anything_below(std::uint64_t oldest) const {
    bool any = std::ranges::any_of(globs_, [&](const GlobFloor& glob) { return age_of(glob.floor) <= oldest; });
    if (!any) tags_.each([&](const TagFloors::Entry& entry) { any = any || age_of(entry.floor) <= oldest; });
    return any;
}

Floors Floors::without(std::uint64_t oldest) const {
    Floors result;
    result.everything_ = everything_;
    result.folded_ = folded_;
    std::size_t stay = 0;
    tags_.each([&](const TagFloors::Entry& entry) { stay += age_of(entry.floor) > oldest ? 1U : 0U; });
    result.tags_ = TagFloors(2 * stay);
    tags_.each([&](const TagFloors::Entry& entry) {
        if (age_of(entry.floor) <= oldest) return result.raise_everything(entry.floor);
        result.tags_.raise(entry.tag, entry.floor);
    });
    for (const GlobFloor& glob : globs_) {
        if (age_of(glob.floor) <= oldest) {
            result.raise_everything(glob.floor);
        } else {
            result.put_glob(glob.glob, glob.floor);
        }
    }
    return result;
}

Purge bounded(const Purge& purge, const FloorBounds& bounds) {
    const bool fits = purge.tags.size() <= bounds.tags / 4 && purge.globs.size() <= bounds.globs / 4 &&
                      bytes_of(purge.globs) <= bounds.glob_bytes / 4;
    if (fits) return purge;
    return {.effect = purge.effect, .everything = true, .tags = {}, .globs = {}};
}

}  // namespace selvage::cache_store
