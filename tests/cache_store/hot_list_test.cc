#include "cache_store/hot_list.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::cache_store;

TEST_CASE("a hot list comes back as it was written, in its order") {
    const std::vector<Key128> keys{{.high = 3, .low = 1}, {.high = UINT64_MAX, .low = 0}, {.high = 0, .low = UINT64_MAX}};
    CHECK(parse_hot_list(encode_hot_list(keys)) == keys);
    CHECK(parse_hot_list(encode_hot_list({})).empty());
}

TEST_CASE("a hot list ends where it is no list any more") {
    const std::string good = encode_hot_list({{.high = 1, .low = 2}, {.high = 3, .low = 4}});
    CHECK(parse_hot_list(good.substr(0, good.size() - 1)).size() == 1);  // torn
    CHECK(parse_hot_list(good + "not a key\n").size() == 2);
    CHECK(parse_hot_list(std::string(40, 'x')).empty());
    std::string signs = good;
    signs[good.find('\n') + 1] = '-';
    CHECK(parse_hot_list(signs).empty());
}
