#include "cache_store/purge/tag.h"

#include <string>

namespace selvage::cache_store {

Tag tag_of(TagKind kind, std::string_view text) {
    std::string bytes(1, static_cast<char>(kind));
    bytes += text;
    return static_cast<Tag>(checksum64(bytes));
}

}  // namespace selvage::cache_store
