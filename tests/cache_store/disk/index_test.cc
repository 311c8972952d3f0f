#include "cache_store/disk/index.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <vector>

#include "base/digest.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

Key128 key_number(std::uint64_t number) { return {.high = number, .low = 0}; }

bool at(const std::optional<Location>& location, std::uint32_t segment, std::uint64_t offset) {
    return location && location->segment == segment && location->offset == offset;
}

}  // namespace

TEST_CASE("the index gives back every place and what judges it") {
    Index index(100);
    const Location largest{.segment = 2047,
                           .offset = (4ULL << 30) - 8,
                           .length = (2U << 20) - 512,
                           .cost_log = 31,
                           .hits = 7,
                           .part = true,
                           .lifetimes = true};
    REQUIRE(index.insert(key_number(1), largest));
    const auto back = index.find(key_number(1));
    REQUIRE(back);
    CHECK(back->segment == 2047);
    CHECK(back->offset == (4ULL << 30) - 8);
    CHECK(back->length == (2U << 20) - 512);
    CHECK(back->cost_log == 31);
    CHECK(back->hits == 7);
    CHECK(back->part);
    CHECK(back->lifetimes);
    CHECK_FALSE(index.find(key_number(2)));

    THEN("lengths are rounded up, so that a read of them holds the record") {
        index.insert(key_number(2), {.offset = 4096, .length = 513});
        CHECK(index.find(key_number(2))->length == 1024);
    }
    THEN("what is too long for a slot is kept as the longest") {
        index.insert(key_number(2), {.offset = 4096, .length = UINT32_MAX});
        CHECK(index.find(key_number(2))->length == (2U << 20) - 512);
    }
}

TEST_CASE("a later place of a key replaces the earlier one, which is told") {
    Index index(100);
    std::optional<Location> before = Location{};
    index.insert(key_number(1), {.segment = 1, .offset = 4096}, &before);
    CHECK_FALSE(before);
    index.insert(key_number(1), {.segment = 2, .offset = 8192}, &before);
    CHECK(at(before, 1, 4096));
    CHECK(at(index.find(key_number(1)), 2, 8192));
    CHECK(index.size() == 1);
}

TEST_CASE("hits are counted up to seven") {
    Index index(100);
    CHECK_FALSE(index.hit(key_number(1)));
    index.insert(key_number(1), {.offset = 4096});
    for (int hits = 1; hits <= 10; ++hits) CHECK(index.hit(key_number(1))->hits == std::min(hits, 7));
    CHECK(index.find(key_number(1))->hits == 7);
    CHECK(at(index.find(key_number(1)), 0, 4096));
}

TEST_CASE("a key is erased only from the place where it is expected") {
    Index index(100);
    index.insert(key_number(1), {.segment = 1, .offset = 4096});
    CHECK_FALSE(index.erase(key_number(1), 2, 4096));
    CHECK_FALSE(index.erase(key_number(1), 1, 4104));
    CHECK_FALSE(index.erase(key_number(2), 1, 4096));
    CHECK(index.size() == 1);
    CHECK(index.erase(key_number(1), 1, 4096));
    CHECK_FALSE(index.find(key_number(1)));
    CHECK(index.size() == 0);
    CHECK_FALSE(index.erase(key_number(1)));
}

TEST_CASE("at its bound the index refuses new keys, and still takes new places of old ones") {
    Index index(64);
    const auto bytes = index.bytes();
    std::uint64_t number = 0;
    while (index.insert(key_number(number), {.offset = 4096 + number * 8})) ++number;
    CHECK(number == index.capacity());
    CHECK(number == 56);
    CHECK(index.bytes() == bytes);
    CHECK(index.insert(key_number(3), {.segment = 9, .offset = 8}));
    CHECK(at(index.find(key_number(3)), 9, 8));
    for (std::uint64_t i = 0; i < number; ++i) CHECK(index.find(key_number(i)));
    REQUIRE(index.erase(key_number(5)));
    CHECK(index.insert(key_number(number), {.offset = 8}));
}

TEST_CASE("the index says what a map would say, after any changes, full or not") {
    for (const std::size_t slots : {8UL, 9UL, 64UL, 1000UL}) {
        Index index(slots);
        std::map<std::uint64_t, Location> model;
        std::mt19937_64 random(slots);
        for (int step = 0; step < 50'000; ++step) {
            const auto number = random() % (slots * 2);
            const Location place{.segment = static_cast<std::uint32_t>(random() % 2048), .offset = (random() % 1000 + 1) * 8};
            const auto known = model.find(number);
            const bool there = known != model.end();
            if (random() % 2 == 0) {
                const bool taken = index.insert(key_number(number), place);
                REQUIRE(taken == (there || model.size() < index.capacity()));
                if (taken) model[number] = place;
            } else {
                REQUIRE(index.erase(key_number(number)) == there);
                model.erase(number);
            }
            REQUIRE(index.size() == model.size());
            if (step % 100 != 0) continue;
            for (std::uint64_t i = 0; i < slots * 2; ++i) {
                const auto expected = model.find(i);
                const auto found = index.find(key_number(i));
                REQUIRE(found.has_value() == (expected != model.end()));
                if (found) REQUIRE(at(found, expected->second.segment, expected->second.offset));
            }
        }
    }
}

TEST_CASE("at the bound an object takes no more than 32 bytes") {
    const Index index(1U << 20);
    CHECK(static_cast<double>(index.bytes()) / static_cast<double>(index.capacity()) <= 18.3);
}

TEST_CASE("an index for which there is no memory refuses everything") {
    Index index(1ULL << 60);
    CHECK(index.slots() == 0);
    CHECK(index.capacity() == 0);
    CHECK_FALSE(index.insert(key_number(1), {.offset = 4096}));
    CHECK_FALSE(index.find(key_number(1)));
    CHECK_FALSE(index.hit(key_number(1)));
    CHECK_FALSE(index.erase(key_number(1)));
}

TEST_CASE("slots grow with the disk, slower beyond a million") {
    CHECK(Index::slots_for(0) == 1024);
    CHECK(Index::slots_for(64ULL << 20) == 16384);
    CHECK(Index::slots_for(4ULL << 30) == 1ULL << 20);
    CHECK(Index::slots_for(10ULL << 30) == (1ULL << 20) + 393216);
    CHECK(Index::slots_for(UINT64_MAX) == 1ULL << 26);
}
