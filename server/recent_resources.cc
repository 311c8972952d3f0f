#include "server/recent_resources.h"

#include <string>
#include <utility>

#include "base/digest.h"

namespace selvage::server {
namespace {

constexpr std::chrono::minutes kUnasked{1};

std::uint64_t hash_of(std::string_view authority, std::string_view target) {
    constexpr std::uint64_t kOdd = 0x9E37'79B9'7F4A'7C15;  // of Fibonacci hashing: the pair (a, b) is not (b, a)
    return checksum64(target) + checksum64(authority) * kOdd;
}

}  // namespace

RecentResources::RecentResources() : entries_(2 * kSets) {}

bool RecentResources::Entry::is(std::string_view authority, std::string_view target) const {
    const std::string_view all = text;
    return authority.size() == authority_length && all.size() == authority.size() + target.size() && all.ends_with(target) &&
           all.starts_with(authority);
}

// The place that has the URL, in front of its set; null: none.
RecentResources::Place* RecentResources::place_of(std::string_view authority, std::string_view target) {
    const std::uint64_t hash = hash_of(authority, target);
    Place* first = &entries_[2 * (hash % kSets)];
    const auto has = [&](const Place& place) { return place.entry && place.hash == hash && place.entry->is(authority, target); };
    if (has(first[0])) return first;
    if (!has(first[1])) return nullptr;
    std::swap(first[0], first[1]);
    return first;
}

handlers::Resource* RecentResources::find(std::string_view authority, std::string_view target, SteadyTime now) {
    const Place* place = place_of(authority, target);
    return place != nullptr && place->entry->holds(now) ? place->entry->resource.get() : nullptr;
}

handlers::ResourcePtr RecentResources::of_same_source(std::string_view authority, std::string_view target,
                                                      const catalogue::Source& source) {
    const Place* place = place_of(authority, target);
    return place != nullptr && place->entry->resource->source() == &source ? place->entry->resource : nullptr;
}

void RecentResources::remember(std::string_view authority, std::string_view target, handlers::ResourcePtr resource,
                               const Evidence& evidence) {
    if (authority.size() + target.size() > kLongest) return;
    Place* place = place_of(authority, target);
    if (place == nullptr) {
        const std::uint64_t hash = hash_of(authority, target);
        place = &entries_[2 * (hash % kSets)];
        if (place->entry) ++place;
        place->hash = hash;
        if (!place->entry) place->entry = std::make_unique<Entry>();
        place->entry->text.assign(authority).append(target);
        place->entry->authority_length = authority.size();
    }
    place->entry->evidence = evidence;
    place->entry->resource = std::move(resource);
}

void RecentResources::forget_stale(SteadyTime now) {
    for (Place& place : entries_) {
        if (!place.entry) continue;
        const Evidence& evidence = place.entry->evidence;
        if (evidence.catalogue->changes() != evidence.changes || evidence.until + kUnasked < now) place.entry.reset();
    }
}

}  // namespace selvage::server
