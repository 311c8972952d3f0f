#include "transforms/encodings/training.h"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "transforms/encodings/dcz.h"

using namespace selvage;
using namespace selvage::transforms;

namespace {

std::string noise(std::mt19937& random, std::size_t size) {
    std::string text;
    while (text.size() < size) text += static_cast<char>('a' + random() % 26);
    return text;
}

// A menu that all have, and a text that each has alone.
std::vector<std::string> pages(std::size_t count, std::size_t menu, std::size_t own) {
    std::mt19937 random(1);
    const std::string common = noise(random, menu);
    std::vector<std::string> pages;
    for (std::size_t i = 0; i < count; ++i) pages.push_back(common + noise(random, own));
    return pages;
}

Result<std::string> trained(const std::vector<std::string>& samples, std::size_t most) {
    return train_dictionary(std::vector<std::string_view>(samples.begin(), samples.end()), most);
}

}  // namespace

SCENARIO("a dictionary has what the samples have in common") {
    const auto samples = pages(50, 6'000, 2'000);
    const auto made = trained({samples.begin(), samples.end() - 1}, 16 << 10);
    REQUIRE(made);
    CHECK(made->size() <= 16 << 10);
    const Dictionary dictionary{*made, sha256(*made)};
    const auto with = dcz_encode(samples.back(), dictionary, kDczFast), without = dcz_encode(samples.back(), {}, kDczFast);
    REQUIRE((with && without));
    CHECK(with->size() < without->size() / 2);
    THEN("it is raw content, as clients take it: no tables in front") {  // RFC 9842 §5; RFC 8878 §5
        CHECK_FALSE(made->starts_with("\x37\xA4\x30\xEC"));
    }
    THEN("the same samples give the same bytes") { CHECK(*trained({samples.begin(), samples.end() - 1}, 16 << 10) == *made); }
}

SCENARIO("of too little nothing is made") {
    CHECK_FALSE(trained({}, 16 << 10));
    CHECK_FALSE(trained({"a", "b"}, 16 << 10));
    CHECK_FALSE(trained(pages(50, 6'000, 2'000), 0));
}
