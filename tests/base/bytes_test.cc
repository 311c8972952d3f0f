#include "base/bytes.h"

#include <catch2/catch.hpp>
#include <malloc.h>

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

TEST_CASE("a blob keeps no more memory than its bytes") {
    std::string coded;
    coded.reserve(1'000'000);  // as for whatever an encoder might have written
    coded.append(1'000, 'x');
    const BlobPtr blob = make_blob(std::move(coded));
    CHECK(malloc_usable_size(const_cast<char*>(blob->view().data())) < 2'000);
}
