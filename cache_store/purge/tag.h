#pragma once

#include <cstdint>
#include <string_view>

#include "base/digest.h"

namespace selvage::cache_store {

// What can be purged, as 64 bits: XXH3-64 of a kind and a text. Two of a store's tags meet by chance once in 2^64 / tags: what
// then goes as well is made again.
enum class Tag : std::uint64_t {};

enum class TagKind : char {
    Site = 's',    // text: the site's name
    Url = 'u',     // site '\0' normalised path [ '?' query ]
    Prefix = 'p',  // site '\0' normalised path up to and with a '/'
    Label = 't',   // a rule's or an origin's tag
    Source = 'c',  // the content hash that a representation is made from
};

Tag tag_of(TagKind kind, std::string_view text);
inline Tag source_tag(const Sha256& content) { return tag_of(TagKind::Source, as_text(content)); }

}  // namespace selvage::cache_store
