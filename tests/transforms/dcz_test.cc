// Differences to a dictionary: RFC 9842 §5, static-delivery §5.

#include "transforms/encodings/dcz.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace selvage;
using namespace selvage::transforms;

namespace {

std::string noise_of(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

// A script of functions: each release changes some of them.
std::string script(int release, std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) {
        const bool changes = i % 50 == 7;
        text += "export function f" + std::to_string(i * 7919 % 10'007) + "(a,b){return a*" + std::to_string(i) + "+b";
        text += changes ? "-" + std::to_string(release * 31 + i) + "}\n" : "}\n";
    }
    text.resize(size);
    return text;
}

Dictionary dictionary_of(const std::string& bytes) { return {bytes, sha256(bytes)}; }

std::string must(Result<std::string> result) {
    REQUIRE(result);
    return *std::move(result);
}

// Of a Zstandard frame, in bytes: RFC 8878 §3.1.1.1.
std::uint64_t window_of(std::string_view frame) {
    const auto descriptor = static_cast<unsigned char>(frame[4]);
    const bool single_segment = (descriptor & 0x20) != 0;
    if (!single_segment) {
        const auto window = static_cast<unsigned char>(frame[5]);
        const std::uint64_t base = 1ULL << (10 + (window >> 3));
        return base + base / 8 * (window & 7);
    }
    const unsigned bytes = 1U << (descriptor >> 6);
    std::uint64_t size = 0;
    for (unsigned i = 0; i < bytes; ++i) size |= std::uint64_t{static_cast<unsigned char>(frame[5 + i])} << (8 * i);
    return bytes == 2 ? size + 256 : size;
}

}  // namespace

SCENARIO("what is coded with a dictionary decodes with it, at every level") {
    const std::string before = script(1, 300'000), after = script(2, 310'000);
    for (const int level : {kDczFast, 9, 12, 19}) {
        INFO(level);
        const std::string coded = must(dcz_encode(after, dictionary_of(before), level));
        CHECK(must(dcz_decode(coded, dictionary_of(before), after.size())) == after);
        CHECK(coded.size() < after.size() / 20);
    }
    THEN("nothing and a single byte as well") {
        for (const std::string& bytes : {std::string(), std::string("x")}) {
            CHECK(must(dcz_decode(must(dcz_encode(bytes, dictionary_of(before), 4)), dictionary_of(before), 1)) == bytes);
        }
    }
    THEN("in steps that somebody may end") {
        int steps = 0;
        const std::string coded = must(dcz_encode(after, dictionary_of(before), 9, [&] { return ++steps > 0; }));
        CHECK(steps == 3);
        CHECK(must(dcz_decode(coded, dictionary_of(before), after.size())) == after);
        CHECK(coded.size() < after.size() / 20);
        const auto ended = dcz_encode(after, dictionary_of(before), 9, [] { return false; });
        REQUIRE_FALSE(ended);
        CHECK(ended.error().kind == ErrorKind::Cancelled);
    }
}

SCENARIO("the wire has the dictionary's hash in a skippable frame") {
    const std::string before = script(1, 5'000), after = script(2, 5'000);
    const std::string coded = must(dcz_encode(after, dictionary_of(before), 4));
    CHECK(hex(std::string_view(coded).substr(0, 8)) == "5e2a4d1820000000");
    CHECK(coded.substr(8, 32) == as_text(sha256(before)));
    CHECK(hex(std::string_view(coded).substr(40, 4)) == "28b52ffd");  // RFC 8878 §3.1.1

    const auto kind_of = [&](const std::string& bytes, const std::string& dictionary, std::size_t limit) {
        const auto decoded = dcz_decode(bytes, dictionary_of(dictionary), limit);
        REQUIRE_FALSE(decoded);
        return decoded.error().kind;
    };
    THEN("another dictionary, another header and a cut are refused") {
        CHECK(kind_of(coded, after, 5'000) == ErrorKind::Unprocessable);
        CHECK(kind_of(coded.substr(40), before, 5'000) == ErrorKind::Unprocessable);
        CHECK(kind_of(coded.substr(0, coded.size() - 1), before, 5'000) == ErrorKind::Unprocessable);
        CHECK(kind_of(coded.substr(0, 40), before, 5'000) == ErrorKind::Unprocessable);
        CHECK(kind_of("", before, 5'000) == ErrorKind::Unprocessable);
    }
    THEN("more than was allowed never comes out") { CHECK(kind_of(coded, before, 4'999) == ErrorKind::TooLarge); }
}

SCENARIO("the window reaches the whole dictionary, and no browser must refuse it") {
    // What cannot be compressed but by the dictionary, in a content of that size.
    const std::string before = noise_of(2'900'000, 3);
    std::string after = before;
    after.replace(1'000'000, 12, "is different");
    CHECK(must(dcz_encode(after, dictionary_of(before), 4)).size() < 1'500);
    CHECK(must(dcz_encode(after, dictionary_of(before), 19)).size() < 1'500);
    THEN("it is never declared above 8 MiB, or 1.25 times a larger dictionary") {
        for (const std::size_t dictionary : {std::size_t{100'000}, std::size_t{8} << 20, std::size_t{10} << 20}) {
            const std::string old = script(1, dictionary), now = script(2, dictionary + 1'000);
            const std::string coded = must(dcz_encode(now, dictionary_of(old), 9));
            CHECK(coded.size() < now.size() / 50);
            CHECK(window_of(std::string_view(coded).substr(40)) <= std::max<std::uint64_t>(8 << 20, dictionary * 5 / 4));
        }
    }
}

TEST_CASE("an unrelated dictionary makes it no smaller, which is for the caller to see") {
    const std::string unrelated = noise_of(50'000, 9), text = script(1, 50'000);
    const std::string plain = must(dcz_encode(text, dictionary_of(""), 4));
    const std::string with = must(dcz_encode(text, dictionary_of(unrelated), 4));
    CHECK(with.size() + 500 > plain.size());
    CHECK(must(dcz_decode(with, dictionary_of(unrelated), text.size())) == text);
}

SCENARIO("what is coded does not depend on what was coded before it, nor on who codes at the same time") {
    struct Pair {
        std::string before, after;
    };
    std::vector<Pair> pairs;
    for (const std::size_t size : {600U, 5'000'000U, 40'000U, 260'000U, 0U}) {
        pairs.push_back({script(1, size + 100), script(2, size)});
    }
    const auto code = [](const Pair& pair) { return must(dcz_encode(pair.after, dictionary_of(pair.before), kDczFast)); };
    std::vector<std::string> once;
    for (const Pair& pair : pairs) once.push_back(code(pair));
    THEN("in another order, and after what could not be decoded") {
        for (std::size_t i = pairs.size(); i-- > 0;) {
            CHECK_FALSE(dcz_decode(once[i].substr(0, once[i].size() - 1), dictionary_of(pairs[i].before), pairs[i].after.size()));
            CHECK(code(pairs[i]) == once[i]);
        }
    }
    THEN("on several threads") {
        std::vector<std::thread> threads;
        std::atomic<int> others{0};
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (std::size_t i = 0; i < pairs.size(); ++i) {
                    const auto coded = dcz_encode(pairs[i].after, dictionary_of(pairs[i].before), kDczFast);
                    if (!coded || *coded != once[i]) ++others;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(others == 0);
    }
}
