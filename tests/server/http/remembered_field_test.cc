#include "server/http/remembered_field.h"

#include <catch2/catch.hpp>

#include <string>

using selvage::http::RememberedField;

TEST_CASE("a field that is sent again is not parsed again, and one that differs always is") {
    RememberedField<std::size_t> remembered;
    int parsed = 0;
    const auto size = [&](std::string_view text) {
        return remembered.of(text, [&](std::string_view value) {
            ++parsed;
            return value.size();
        });
    };
    CHECK(size("gzip, br") == 8);
    CHECK(size("gzip, br") == 8);
    CHECK(parsed == 1);
    CHECK(size("") == 0);
    CHECK(size("") == 0);
    CHECK(parsed == 2);
    for (std::size_t length = 0; length < 600; ++length) {  // more than there is room for, and longer than is kept
        CHECK(size(std::string(length, 'a')) == length);
        CHECK(size(std::string(length, 'b')) == length);
    }
}
