// Codings made in pieces: what a client waits for is sent before it is whole.

#include "transforms/encodings/encoder.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "transforms/encodings/encodings.h"

using namespace selvage;
using namespace selvage::transforms;

namespace {

std::string noise(std::size_t size) {
    std::mt19937 random(3);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

// Numbers, one per line: of some redundancy everywhere.
std::string numbers(std::size_t size) {
    std::mt19937 random(4);
    std::string text;
    while (text.size() < size) text.append("value = ").append(std::to_string(random())).append("\n");
    text.resize(size);
    return text;
}

struct Run {
    Run(const CodingRow& row, std::uint64_t size, Effort effort = Effort::First) {
        auto begun = row.begin(size, effort, [this](std::string_view piece) {
            largest = std::max(largest, piece.size());
            coded += piece;
        });
        REQUIRE(begun);
        encoder = *std::move(begun);
    }
    void add(std::string_view bytes, std::size_t step) {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) REQUIRE(encoder->add(bytes.substr(0, step)));
    }

    std::string coded;
    std::size_t largest = 0;
    std::unique_ptr<Encoder> encoder;
};

}  // namespace

TEST_CASE("what is coded in pieces decodes to the same bytes, however it is cut") {
    for (const CodingRow& row : kCodings) {
        for (const std::size_t size : {0, 1, 300, 70'000, 1'500'000}) {
            for (const std::string& bytes : {numbers(size), noise(size)}) {
                for (const std::size_t step : {1'000, 65'536, 1'000'000}) {
                    INFO(row.token << ", " << size << " bytes by " << step);
                    Run run(row, size);
                    run.add(bytes, step);
                    REQUIRE(run.encoder->finish());
                    CHECK(row.decode(run.coded, size) == bytes);
                }
            }
        }
    }
}

TEST_CASE("what has gone in comes out with a flush, and nothing is lost by it") {
    const std::string bytes = noise(300'000);  // nothing in it can be left out
    for (const CodingRow& row : kCodings) {
        INFO(row.token);
        Run run(row, bytes.size());
        const std::string_view first = std::string_view(bytes).substr(0, 100'000);
        run.add(first, 30'000);
        REQUIRE(run.encoder->flush());
        CHECK(run.coded.size() >= first.size());
        REQUIRE(run.encoder->flush());  // with nothing new
        run.add(std::string_view(bytes).substr(first.size()), 30'000);
        REQUIRE(run.encoder->finish());
        CHECK(row.decode(run.coded, bytes.size()) == bytes);
    }
}

TEST_CASE("a client never waits for more than a mebibyte to be coded, and gets it in pieces that fit together") {
    const std::string bytes = noise(6 << 20);
    constexpr std::size_t kStep = 256 * 1024, kMost = kStep + (1 << 20);
    for (const CodingRow& row : kCodings) {
        INFO(row.token);
        Run run(row, bytes.size());
        std::size_t added = 0;
        while (added < bytes.size()) {
            run.add(std::string_view(bytes).substr(added, kStep), kStep);
            added += kStep;
            CHECK(run.coded.size() + kMost > added);
        }
        REQUIRE(run.encoder->finish());
        CHECK(run.largest <= 64 * 1024);
    }
}

TEST_CASE("pieces cost little: text is hardly larger than coded at once") {
    const std::string text = numbers(5'000'000);
    for (const CodingRow& row : kCodings) {
        INFO(row.token);
        Run run(row, text.size());
        run.add(text, 256 * 1024);
        REQUIRE(run.encoder->finish());
        const auto whole = row.encode(text, Effort::First);
        REQUIRE(whole);
        CHECK(run.coded.size() < whole->size() + whole->size() / 100);
    }
}

TEST_CASE("the best made in steps is as small as made at once") {
    const std::string bytes = numbers(300'000);
    for (const CodingRow& row : kCodings) {
        INFO(row.token);
        Run run(row, bytes.size(), Effort::Best);
        run.add(bytes, 65'536);
        REQUIRE(run.encoder->finish());
        CHECK(row.decode(run.coded, bytes.size()) == bytes);
        const auto at_once = row.encode(bytes, Effort::Best);
        REQUIRE(at_once);
        CHECK(run.coded.size() * 1000 <= at_once->size() * 1001);
        const auto fast = row.encode(bytes, Effort::First);
        REQUIRE(fast);
        CHECK(run.coded.size() < fast->size());
    }
}
