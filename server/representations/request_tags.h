#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache_store/store.h"

namespace selvage::representations {

// What a request may be purged by: its site, its URL with and without its query, every prefix of its path, the tags of its rule.
// Made once per resource; what has been purged is asked for again only when the store's sequence has moved. Of one loop.
class RequestTags {
public:
    // `path`: normalised. `query`: raw, without '?'; may be empty. `labels`: the rule's tags.
    RequestTags(const cache_store::Store& store, std::string_view site, std::string_view path, std::string_view query,
                std::span<const std::string> labels);

    // By this too: the source that what is sent is made from. Then the floor is all that what is being made must be born after.
    void add(cache_store::Tag tag) {
        tags_.push_back(tag);
        asked_at_ = UINT64_MAX;
    }

    // One load and a comparison while nothing is purged.
    const cache_store::Floor& floor() {
        if (store_.sequence() != asked_at_) ask();
        return floor_;
    }

private:
    void ask();

    const cache_store::Store& store_;
    std::vector<cache_store::Tag> tags_;
    std::string site_and_path_;  // for globs
    std::uint64_t asked_at_ = UINT64_MAX;
    cache_store::Floor floor_;
};

}  // namespace selvage::representations
