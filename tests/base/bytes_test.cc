#include "base/bytes.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;

TEST_CASE("a blob is the bytes that it was made of, small or large") {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, Blob::kPagesFrom - 1, Blob::kPagesFrom, std::size_t{1'000'001}}) {
        const std::string bytes(size, 'b');
        const BlobPtr blob = make_blob(bytes);
        CHECK(blob->view() == bytes);
        CHECK(blob->size() == size);
        CHECK(blob->has_own_pages() == (size >= Blob::kPagesFrom));
    }
}
