#include "server/representations/select.h"

#include <catch2/catch.hpp>

#include <optional>
#include <string>

using namespace selvage;
using namespace selvage::representations;
using catalogue::Source;
using transforms::Coding;
using Kind = CodingChoice::Kind;

namespace {

// Sizes of what is stored, by coding; what is not named is unknown.
struct Stored {
    std::uint64_t zstd = kUnknown, br = kUnknown, gzip = kUnknown;
};

CodedSizes sizes(const Stored& stored) {
    CodedSizes result{};
    for (std::size_t i = 0; i < result.size(); ++i) {
        const Coding coding = transforms::kCodings[i].coding;
        result[i] = coding == Coding::Zstd ? stored.zstd : coding == Coding::Brotli ? stored.br : stored.gzip;
    }
    return result;
}

Source text(std::uint64_t size) {
    Source source;
    source.size = size;
    source.compressible = true;
    return source;
}

Source with_sidecar(Source source, Coding coding, std::uint64_t size, bool verified) {
    source.sidecars.push_back({.coding = coding, .file = {}, .bytes = {}, .size = size, .verified = verified});
    return source;
}

std::string choice(std::optional<std::string_view> accept, const Source& source, const Stored& stored = {}, bool range = false) {
    const CodingChoice chosen = select_coding(http::parse_accept_encoding(accept), source, sizes(stored), range);
    const std::string token = chosen.coding == Coding::Identity ? "" : " " + std::string(transforms::row_of(chosen.coding).token);
    switch (chosen.kind) {
        case Kind::Identity:
            return "identity" + token;
        case Kind::Sidecar:
            return "sidecar" + token;
        case Kind::Stored:
            return "stored" + token;
        case Kind::Make:
            return "make" + token;
        case Kind::NotAcceptable:
            break;
    }
    return "406" + token;
}

constexpr std::string_view kBrowser = "gzip, deflate, br, zstd";

}  // namespace

SCENARIO("which representation of a file a client is sent") {  // static-delivery §4, RFC 9110 §12.5.3
    const Source page = text(100'000);

    THEN("what is stored wins, the smallest of the codings that the client takes") {
        CHECK(choice(kBrowser, page, {.zstd = 30'000, .br = 25'000, .gzip = 35'000}) == "stored br");
        CHECK(choice("gzip", page, {.zstd = 30'000, .br = 25'000, .gzip = 35'000}) == "stored gzip");
        CHECK(choice(kBrowser, page, {.zstd = 25'000, .br = 25'000}) == "stored zstd");
    }
    THEN("the client's own ranking counts before the size") {
        CHECK(choice("gzip;q=1, br;q=0.5", page, {.br = 25'000, .gzip = 35'000}) == "stored gzip");
        CHECK(choice("identity;q=1, br;q=0.5", page, {.br = 25'000}) == "identity");
    }
    THEN("what is not stored is made, the fastest for its worth first") {
        CHECK(choice(kBrowser, page) == "make zstd");
        CHECK(choice("gzip, br", page) == "make br");
        CHECK(choice("gzip", page) == "make gzip");
    }
    THEN("one stored coding is not passed over for one that would have to be made") {
        CHECK(choice(kBrowser, page, {.gzip = 35'000}) == "stored gzip");
    }
    THEN("a coding that was found to save nothing is not made again") {
        CHECK(choice("zstd", page, {.zstd = kNoGain}) == "identity");
    }
    THEN("a client that names nothing gets the file") {
        CHECK(choice(std::nullopt, page) == "identity");
        CHECK(choice("", page) == "identity");
        CHECK(choice("deflate", page, {.br = 1}) == "identity");
    }
    THEN("a client that refuses everything there is: 406") {
        CHECK(choice("identity;q=0", page) == "406");
        CHECK(choice("*;q=0", page, {.br = 1}) == "406");
    }
    THEN("a client that refuses identity is served what can be made, however small") {
        CHECK(choice("identity;q=0, br", text(500)) == "make br");
        CHECK(choice("br, identity;q=0", page, {.br = 25'000}) == "stored br");
    }
    THEN("small files are not coded while a client waits, tiny ones never") {
        CHECK(choice(kBrowser, text(http::kSmallestOnTheFly - 1)) == "identity");
        CHECK(choice(kBrowser, text(http::kSmallestOnTheFly)) == "make zstd");
        CHECK(choice(kBrowser, text(500), {.br = 200}) == "stored br");
        CHECK(choice("identity;q=0, br", text(http::kSmallestPrecomputed - 1)) == "406");
    }
    THEN("very large files are sent as they are") {
        CHECK(choice(kBrowser, text(kLargestCoded)) == "make zstd");
        CHECK(choice(kBrowser, text(kLargestCoded + 1)) == "identity");
    }
    THEN("what does not compress is sent as it is") {
        Source photo = text(100'000);
        photo.compressible = false;
        CHECK(choice(kBrowser, photo) == "identity");
        CHECK(!varies_by_coding(photo));
        CHECK(varies_by_coding(page));
    }
    THEN("a range is one of the file itself, whatever is stored") {
        CHECK(choice(kBrowser, page, {.br = 25'000}, true) == "identity");
        CHECK(choice("identity;q=0, br", page, {}, true) == "identity");
    }
    THEN("a sidecar stands before what we made, when it was found to be the file's") {
        CHECK(choice(kBrowser, with_sidecar(page, Coding::Brotli, 24'000, true), {.br = 25'000}) == "sidecar br");
        CHECK(choice(kBrowser, with_sidecar(page, Coding::Brotli, 24'000, false), {.br = 25'000}) == "stored br");
        CHECK(choice(kBrowser, with_sidecar(page, Coding::Brotli, 24'000, false)) == "make zstd");
        CHECK(choice("gzip", with_sidecar(page, Coding::Brotli, 24'000, true)) == "make gzip");
        CHECK(varies_by_coding(with_sidecar(Source{}, Coding::Brotli, 1, true)));
    }
}
