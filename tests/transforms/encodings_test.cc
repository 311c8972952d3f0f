// Content codings: static-delivery §4.

#include "transforms/encodings/encodings.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using namespace selvage;
using namespace selvage::transforms;

namespace {

// Like a stylesheet: few words, never in the same order.
std::string text_of(std::size_t size) {
    const std::vector<std::string> words = {"color",
                                            "margin",
                                            "display",
                                            ": ",
                                            ": ",
                                            "; ",
                                            "; ",
                                            " { ",
                                            " }\n",
                                            ".button",
                                            "#header",
                                            "none",
                                            "inherit",
                                            "12px",
                                            "0 auto",
                                            "var(--accent)",
                                            "@media (min-width: 640px)"};
    std::mt19937 random(5);
    std::string text;
    while (text.size() < size) text += words[random() % words.size()];
    text.resize(size);
    return text;
}

std::string noise_of(std::size_t size) {
    std::mt19937 random(7);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

std::string must(Result<std::string> result) {
    REQUIRE(result);
    return *std::move(result);
}

void check_round_trip(const CodingRow& row, const std::string& bytes, Effort effort) {
    INFO(row.token << ", " << bytes.size() << " bytes");
    const auto coded = must(row.encode(bytes, effort));
    CHECK(must(row.decode(coded, bytes.size())) == bytes);
    CHECK(must(row.encode(bytes, effort)) == coded);  // the same on every edge
}

unsigned byte_at(const std::string& bytes, std::size_t at) { return static_cast<unsigned char>(bytes.at(at)); }

// The window of a zstd frame in bytes. Source: RFC 8878 §3.1.1.1.
std::uint64_t zstd_window(const std::string& frame) {
    const bool single_segment = byte_at(frame, 4) & 0x20;
    REQUIRE_FALSE(single_segment);  // then the window is the content, which the caller made larger than the limit
    return (std::uint64_t{1} << (10 + (byte_at(frame, 5) >> 3))) / 8 * (8 + (byte_at(frame, 5) & 7));
}

}  // namespace

TEST_CASE("the server prefers zstd, then br, then gzip") {  // §4, ties
    REQUIRE(kCodings.size() == 3);
    CHECK(kCodings[0].token == "zstd");
    CHECK(kCodings[1].token == "br");
    CHECK(kCodings[2].token == "gzip");
    for (const auto& row : kCodings) CHECK(&row_of(row.coding) == &row);
    CHECK_FALSE(kEncodingsEpoch.empty());
}

TEST_CASE("what is encoded decodes to the same bytes, at every effort and size") {
    for (const auto& row : kCodings) {
        for (const auto effort : {Effort::First, Effort::Background}) {
            for (const std::size_t size : {0, 1, 2, 255, 4096, 70'000}) {
                check_round_trip(row, text_of(size), effort);
                check_round_trip(row, noise_of(size), effort);
            }
        }
        check_round_trip(row, text_of(2'500'000), Effort::First);
    }
}

TEST_CASE("text becomes much smaller, and more so in the background") {
    const auto text = text_of(100'000);
    for (const auto& row : kCodings) {
        const auto first = must(row.encode(text, Effort::First)).size();
        CHECK(first < text.size() / 3);
        CHECK(must(row.encode(text, Effort::Background)).size() <= first);
    }
}

SCENARIO("decoding stops at its limit") {
    const std::string zeros(3'000'000, '\0');  // a bomb: a few hundred bytes say three million
    for (const auto& row : kCodings) {
        const auto coded = must(row.encode(zeros, Effort::First));
        INFO(row.token);
        CHECK(row.decode(coded, zeros.size()));
        for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, zeros.size() - 1}) {
            const auto refused = row.decode(coded, limit);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().kind == ErrorKind::TooLarge);
        }
    }
}

SCENARIO("bytes of another kind, cut short or with something behind them are refused") {
    const auto text = text_of(10'000);
    for (const auto& row : kCodings) {
        INFO(row.token);
        const auto coded = must(row.encode(text, Effort::First));
        const auto kind_of = [&](const std::string& bytes) {
            const auto result = row.decode(bytes, 1'000'000);
            return result ? "decoded" : result.error().kind == ErrorKind::Unprocessable ? "unprocessable" : "other";
        };
        CHECK(kind_of("") == std::string("unprocessable"));
        CHECK(kind_of("<!DOCTYPE html><p>not coded at all</p>") == std::string("unprocessable"));
        CHECK(kind_of(coded + "and more, which is not of it") == std::string("unprocessable"));
        for (std::size_t size = 0; size < coded.size(); size += 1 + coded.size() / 50)
            CHECK(kind_of(coded.substr(0, size)) == std::string("unprocessable"));
    }
}

TEST_CASE("a gzip header carries no time, name or system") {  // RFC 1952 §2.3: FLG, MTIME, OS
    const auto coded = must(row_of(Coding::Gzip).encode(text_of(1000), Effort::First));
    CHECK(coded.substr(0, 3) == "\x1F\x8B\x08");
    for (std::size_t at = 3; at < 8; ++at) CHECK(byte_at(coded, at) == 0);
    CHECK(byte_at(coded, 9) == 255);
}

TEST_CASE("gzip and zstd members that follow one another are one content") {  // RFC 1952 §2.2, RFC 8878 §3
    for (const auto coding : {Coding::Gzip, Coding::Zstd}) {
        const auto& row = row_of(coding);
        const auto coded = must(row.encode("one ", Effort::First)) + must(row.encode("two", Effort::First));
        CHECK(must(row.decode(coded, 100)) == "one two");
    }
}

TEST_CASE("the zstd window stays within what every browser decodes") {  // RFC 9659: 8 MiB
    const auto large = text_of(9 << 20) + noise_of(1000);
    CHECK(zstd_window(must(row_of(Coding::Zstd).encode(large, Effort::First))) <= 8 << 20);
}

TEST_CASE("a zstd frame without checksum says the size of its content") {  // RFC 8878 §3.1.1.1
    const auto frame = must(row_of(Coding::Zstd).encode(text_of(100'000), Effort::First));
    CHECK((byte_at(frame, 4) & 0x04) == 0);                                   // no checksum
    CHECK((byte_at(frame, 4) >> 6 != 0 || (byte_at(frame, 4) & 0x20) != 0));  // content size present
}

TEST_CASE("a zstd file made with a long window is not taken for a sidecar") {  // RFC 9659
    // Magic, no single segment, window descriptor 2^27, an empty last raw block.
    const std::string frame("\x28\xB5\x2F\xFD\x00\x88\x01\x00\x00", 9);
    CHECK_FALSE(row_of(Coding::Zstd).decode(frame, 100));
    std::string modest = frame;
    modest[5] = '\x50';  // 2^20
    CHECK(row_of(Coding::Zstd).decode(modest, 100) == std::string());
}

// A frame of `blocks` times 128 KiB of zeros, whose window is its content. RFC 8878 §3.1.1.
std::string single_segment(std::uint32_t blocks) {
    std::string frame("\x28\xB5\x2F\xFD\xA0", 5);
    const std::uint32_t size = blocks << 17;
    for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(size >> shift);
    for (std::uint32_t i = 1; i <= blocks; ++i) {
        const std::uint32_t header = (1U << 17) << 3 | 1U << 1 | (i == blocks ? 1U : 0U);  // a run
        for (int shift = 0; shift < 24; shift += 8) frame += static_cast<char>(header >> shift);
        frame += '\0';
    }
    return frame;
}

TEST_CASE("nor is one whose window is all of a large content, or hides in a second frame") {  // RFC 9659
    const auto& zstd = row_of(Coding::Zstd);
    CHECK(must(zstd.decode(single_segment(64), 16 << 20)).size() == 8 << 20);
    const auto refused = zstd.decode(single_segment(65), 16 << 20);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("window") != std::string::npos);
    CHECK_FALSE(zstd.decode(single_segment(1) + single_segment(65), 16 << 20));
    CHECK_FALSE(zstd.decode(single_segment(64).substr(0, 8), 16 << 20));
}

TEST_CASE("every real bundle comes back byte for byte") {
    const std::filesystem::path folder(SELVAGE_SHARED_DATA "/bundles");
    if (!std::filesystem::exists(folder)) return;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file() || entry.path().extension() == ".md") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        for (const auto& row : kCodings) {
            INFO(entry.path() << " " << row.token);
            const auto coded = must(row.encode(bytes, Effort::First));
            CHECK(must(row.decode(coded, bytes.size())) == bytes);
            CHECK(coded.size() < bytes.size() / 2);
        }
    }
}
