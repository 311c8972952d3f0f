#include "base/bytes.h"

#include <catch2/catch.hpp>
#include <malloc.h>

#include <cstring>
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

TEST_CASE("a blob of what was read into a buffer is where it was read to") {
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{5'000}, Blob::kPagesFrom - 1, Blob::kPagesFrom, std::size_t{1'000'001}}) {
        BlobBuffer buffer(size);
        std::memset(buffer.data(), 'b', size);
        const std::string_view body = buffer.view().substr(size / 3);
        const BlobPtr blob = make_blob(std::move(buffer), body);
        CHECK(blob->view().data() == body.data());
        CHECK(blob->view() == std::string(size - size / 3, 'b'));
        CHECK(blob->kept_bytes() == size);
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
