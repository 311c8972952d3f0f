#include "cache_store/purge/tag.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::cache_store;

TEST_CASE("a tag is of its kind: the same text as another kind is another tag") {
    CHECK(tag_of(TagKind::Label, "news") == tag_of(TagKind::Label, "news"));
    CHECK(tag_of(TagKind::Label, "news") != tag_of(TagKind::Site, "news"));
    CHECK(tag_of(TagKind::Label, "news") != tag_of(TagKind::Label, "new"));
}

TEST_CASE("a source's tag follows its content alone") {
    CHECK(source_tag(sha256("a cat")) == source_tag(sha256("a cat")));
    CHECK(source_tag(sha256("a cat")) != source_tag(sha256("a dog")));
}
