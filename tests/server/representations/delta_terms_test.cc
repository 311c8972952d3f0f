// When a difference to a dictionary is sent: static-delivery §5.

#include <catch2/catch.hpp>

#include <optional>
#include <string_view>

#include "server/representations/select.h"

using namespace selvage;
using namespace selvage::representations;
using transforms::Coding;

namespace {

constexpr std::string_view kChromium = "gzip, deflate, br, zstd, dcb, dcz";

catalogue::Source text(std::uint64_t size) {
    catalogue::Source source;
    source.size = size;
    source.compressible = true;
    return source;
}

CodedSizes sizes(std::uint64_t zstd, std::uint64_t br, std::uint64_t gzip) {
    CodedSizes result{};
    for (std::size_t i = 0; i < result.size(); ++i) {
        const Coding coding = transforms::kCodings[i].coding;
        result[i] = coding == Coding::Zstd ? zstd : coding == Coding::Brotli ? br : gzip;
    }
    return result;
}

DeltaTerms terms(std::string_view accept, const CodedSizes& stored) {
    return delta_terms(http::parse_accept_encoding(accept), text(60'000), stored);
}

}  // namespace

SCENARIO("a difference is sent when it is below nine tenths of the smallest that the client could get without") {
    const CodedSizes stored = sizes(11'000, 10'000, 13'000);
    CHECK(terms(kChromium, stored).smallest_plain == 10'000);
    CHECK(terms(kChromium, stored).pays(8'999));
    CHECK_FALSE(terms(kChromium, stored).pays(9'000));
    THEN("of what this client accepts") {
        CHECK(terms("gzip, dcz", stored).smallest_plain == 13'000);
        CHECK(terms("dcz", stored).smallest_plain == 60'000);
        CHECK(terms("gzip, dcz", stored).pays(11'000));
    }
    THEN("a sidecar counts like what we have made") {
        catalogue::Source source = text(60'000);
        source.sidecars.push_back({.coding = Coding::Brotli, .file = {}, .bytes = {}, .size = 5'000, .verified = true});
        CHECK(delta_terms(http::parse_accept_encoding(kChromium), source, stored).smallest_plain == 5'000);
    }
    THEN("what is not made yet is taken for a sixth of the file") {
        CHECK(terms(kChromium, sizes(kUnknown, kUnknown, kUnknown)).smallest_plain == 10'000);
        CHECK(terms(kChromium, sizes(kUnknown, kUnknown, kUnknown)).estimated);
        CHECK(terms(kChromium, sizes(8'000, kUnknown, 13'000)).smallest_plain == 8'000);
        CHECK_FALSE(terms(kChromium, stored).estimated);
    }
    THEN("what gains nothing does not count") { CHECK(terms("br, dcz", sizes(0, kNoGain, 0)).smallest_plain == 60'000); }
}

SCENARIO("the client's ranking holds for dcz as well") {
    const CodedSizes stored = sizes(11'000, 10'000, 13'000);
    CHECK_FALSE(terms("gzip, br, zstd", stored).allowed);
    CHECK_FALSE(terms("*", stored).allowed);
    CHECK_FALSE(terms("br, dcz;q=0", stored).allowed);
    CHECK_FALSE(terms("br, dcz;q=0.9", stored).allowed);
    CHECK(terms("br;q=0.5, dcz;q=0.9", stored).allowed);
    CHECK_FALSE(terms("identity, dcz;q=0.9", stored).allowed);
    THEN("whoever takes nothing else gets it at any size") {
        CHECK(terms("dcz, identity;q=0", stored).allowed);
        CHECK(terms("dcz, identity;q=0", stored).pays(1'000'000));
    }
}
