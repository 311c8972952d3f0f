// The canonical grammar of image URLs: image-urls §1.1 and §1.2.

#include "transforms/dialects/canonical.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "transforms/dialects/canonical_keys.h"
#include "transforms/dialects/colour.h"
#include "transforms/plan.h"

using namespace selvage;
using namespace selvage::transforms;

namespace {

auto parse(const std::string& query, const DialectLimits& limits = {}) { return parse_canonical(query, limits); }

Plan plan_of(const std::string& query) {
    const auto request = parse(query);
    INFO(query);
    REQUIRE(request);
    REQUIRE(*request);
    return (*request)->plan;
}

Error refusal_of(const std::string& query, const DialectLimits& limits = {}) {
    const auto request = parse(query, limits);
    INFO(query);
    REQUIRE_FALSE(request);
    return request.error();
}

// As the golden file says it, but without the allowed range.
std::string verdict_on(const std::string& query) {
    const auto request = parse(query);
    if (!request) return "!" + std::string(request.error().code) + " " + request.error().param;
    return *request ? canonical((*request)->plan) : "-";
}

struct Golden {
    std::string query, expected, allowed;
};

std::vector<Golden> golden_pairs() {
    std::ifstream file(SELVAGE_TEST_DATA "/urls/canonical.tsv");
    std::vector<Golden> pairs;
    for (std::string line; std::getline(file, line);) {
        const auto tab = line.find('\t');
        if (line.starts_with('#') || tab == line.npos) continue;
        Golden pair{.query = line.substr(0, tab), .expected = line.substr(tab + 1), .allowed = {}};
        if (pair.expected.starts_with('!')) {
            const auto key_end = pair.expected.find(' ', pair.expected.find(' ') + 1);
            if (key_end != line.npos) pair.allowed = pair.expected.substr(key_end + 1);
            pair.expected = pair.expected.substr(0, key_end);
        }
        pairs.push_back(pair);
    }
    return pairs;
}

// Any plan that the grammar can say, from a stream of random numbers.
class AnyPlan {
public:
    explicit AnyPlan(unsigned seed) : random_(seed) {}

    Plan next() {
        Plan plan;
        if (coin()) plan.width = up_to(8192);
        if (coin()) plan.height = up_to(8192);
        plan.fit = static_cast<Fit>(up_to(6) - 1);
        plan.enlarge = coin();
        plan.gravity = static_cast<Gravity>(up_to(12) - 1);
        if (plan.gravity == Gravity::Point) {
            plan.gravity_x = (up_to(10'001) - 1) / 10'000.0;
            plan.gravity_y = (up_to(10'001) - 1) / 10'000.0;
        }
        plan.rotate = static_cast<std::uint16_t>(90 * (up_to(4) - 1));
        plan.flip = static_cast<Flip>(up_to(4) - 1);
        if (coin()) plan.blur = (2'999 + up_to(997'001)) / 10'000.0;
        if (coin()) plan.background = Rgba{byte(), byte(), byte(), coin() ? std::uint8_t{255} : byte()};
        plan.animated = coin();
        plan.auto_format = coin();
        if (!plan.auto_format && coin()) plan.format = static_cast<Format>(up_to(5) - 1);
        if (coin()) plan.quality = static_cast<std::uint8_t>(up_to(100));
        return plan;
    }

private:
    unsigned up_to(unsigned most) { return 1 + static_cast<unsigned>(random_() % most); }
    bool coin() { return up_to(2) == 1; }
    std::uint8_t byte() { return static_cast<std::uint8_t>(up_to(256) - 1); }

    std::mt19937 random_;
};

std::vector<std::string> pieces_of(const std::string& query) {
    std::vector<std::string> pieces;
    std::istringstream text(query);
    for (std::string piece; std::getline(text, piece, '&');) pieces.push_back(piece);
    return pieces;
}

std::string joined(const std::vector<std::string>& pieces) {
    std::string text;
    for (const auto& piece : pieces) text += (text.empty() ? "" : "&") + piece;
    return text;
}

}  // namespace

TEST_CASE("every golden pair of query and canonical form holds") {
    const auto pairs = golden_pairs();
    REQUIRE(pairs.size() > 100);
    for (const auto& pair : pairs) {
        INFO("query: " << pair.query);
        CHECK(verdict_on(pair.query) == pair.expected);
        if (!pair.allowed.empty()) CHECK(refusal_of(pair.query).allowed == pair.allowed);
    }
}

TEST_CASE("a canonical form is its own canonical form") {  // §1.1 rule 6
    for (const auto& pair : golden_pairs()) {
        if (pair.expected == "-" || pair.expected.starts_with('!')) continue;
        INFO(pair.expected);
        CHECK(canonical(plan_of(pair.expected)) == pair.expected);
        CHECK(plan_of(pair.expected) == plan_of(pair.query));
    }
}

TEST_CASE("every plan is read back from its canonical form, in any order of its keys") {  // §1.1 rules 5 and 6
    AnyPlan plans(2026);
    std::mt19937 random(11);
    for (int i = 0; i < 5'000; ++i) {
        const Plan plan = plans.next();
        const auto text = canonical(plan);
        INFO(text);
        REQUIRE(plan_of(text) == plan);
        auto pieces = pieces_of(text);
        std::ranges::shuffle(pieces, random);
        REQUIRE(plan_of(joined(pieces)) == plan);
    }
}

TEST_CASE("an alias says what its key says, and repeats it") {  // §1.1 rule 3
    const std::vector<std::string> queries = {"w=3", "h=3", "up=1&w=1", "g=left&w=1", "rot=90", "fm=png", "q=3", "v=3&w=1"};
    for (const auto& row : kCanonicalKeys) {
        for (const auto alias : row.aliases) {
            if (alias.empty()) continue;
            const auto with_key =
                std::ranges::find_if(queries, [&](const auto& query) { return query.starts_with(std::string(row.key) + "="); });
            INFO(alias);
            REQUIRE(with_key != queries.end());
            const auto with_alias = std::string(alias) + with_key->substr(row.key.size());
            CHECK(plan_of(with_alias) == plan_of(*with_key));
            CHECK(refusal_of(*with_key + "&" + with_alias).code == "duplicate_param");
        }
    }
}

SCENARIO("what is not of the image is reported beside the plan") {
    const auto request = *parse("w=640&utm_source=news&v=3f2a90bc&_=123");
    CHECK(request->version == "3f2a90bc");
    CHECK(request->ignored_keys == std::vector<std::string>{"utm_source", "_"});
    THEN("it does not change the plan") { CHECK(request->plan == plan_of("w=640")); }
}

SCENARIO("strict mode refuses unknown keys") {  // §1.1 rule 2
    const DialectLimits strict{.strict = true};
    const auto error = refusal_of("w=640&utm_source=news", strict);
    CHECK(error.kind == ErrorKind::BadRequest);
    CHECK(error.code == "unknown_param");
    CHECK(error.param == "utm_source");
    CHECK(error.allowed.starts_with("w, h, dpr, "));
    THEN("but a request for the file itself is not an image request") { CHECK_FALSE(*parse("utm_source=news", strict)); }
}

SCENARIO("a query is bounded") {  // §1.1 rule 4
    const auto padded = [](std::size_t size) { return "w=640&pad=" + std::string(size - 10, 'x'); };
    CHECK(parse(padded(2048)));
    CHECK(refusal_of(padded(2049)).kind == ErrorKind::TooLarge);
    CHECK(refusal_of(padded(2049)).code == "uri_too_long");

    std::string many = "w=1";
    for (int i = 1; i < 32; ++i) many += "&x=1";
    CHECK(parse(many));
    CHECK(refusal_of(many + "&x=1").kind == ErrorKind::BadRequest);

    THEN("a value is at most 256 bytes after decoding") {
        CHECK(refusal_of("w=" + std::string(256, '0') + "1").code == "invalid_param");
        CHECK(plan_of("w=" + std::string(255, '0') + "1").width == 1);
    }
}

SCENARIO("the largest side is the configuration's, as written and after dpr") {
    const DialectLimits small{.max_side = 2000};
    CHECK(parse("w=2000", small));
    CHECK(refusal_of("w=2001", small).code == "too_large");
    CHECK(refusal_of("w=2001", small).allowed == "1…2000");
    CHECK(refusal_of("w=1001&dpr=2", small).code == "too_large");
    CHECK(refusal_of("w=1001&dpr=2", small).param == "w");
}

SCENARIO("and so are the largest dpr, the longest query and the most parameters") {
    CHECK(plan_of("w=10&dpr=4").width == 40);
    CHECK(refusal_of("w=10&dpr=4.1").code == "too_large");
    CHECK(refusal_of("w=10&dpr=4.1").param == "dpr");
    CHECK(refusal_of("w=10&dpr=0.4").code == "invalid_param");
    CHECK((*parse("w=10&dpr=5", {.max_dpr = 5}))->plan.width == 50);
    CHECK(refusal_of("w=10&dpr=2.5", {.max_dpr = 2}).allowed == "0.5…2");
    CHECK(refusal_of("w=10&x=" + std::string(20, '1'), {.max_query = 26}).code == "uri_too_long");
    CHECK(parse("w=10&x=" + std::string(20, '1'), {.max_query = 27}));
    CHECK(refusal_of("w=10&a=1&b=2", {.max_params = 2}).code == "too_many_params");
    CHECK(parse("w=10&a=1&b=2", {.max_params = 3}));
}

TEST_CASE("errors are written for the client and never repeat what it sent as a value") {
    const auto error = refusal_of("w=%3Cscript%3E");
    CHECK(error.kind == ErrorKind::BadRequest);
    CHECK(error.detail.find("script") == std::string::npos);
}

TEST_CASE("the colour keywords of CSS are sorted, so that they are found") {  // CSS Color 4 §6.1
    CHECK(std::ranges::is_sorted(kCssColours));
    for (const auto& [name, value] : kCssColours) CHECK(parse_colour(name));
}

TEST_CASE("a variant is identified by what was decided, not by how it was asked for") {  // §1.1 rule 7
    const auto recipe = [](const std::string& query) { return variant_recipe(plan_of(query), Format::Avif, 55); };
    CHECK(recipe("w=640") == recipe("w=640&fm=avif"));
    CHECK(recipe("w=640") == recipe("w=640&fm=auto&q=80"));
    CHECK(recipe("w=640") == recipe("w=320&dpr=2&v=1&utm_source=x"));
    CHECK(recipe("w=640") != recipe("w=641"));
    CHECK(variant_recipe(plan_of("w=640"), Format::Webp, 55) != recipe("w=640"));
    CHECK(variant_recipe(plan_of("w=640"), Format::Avif, 50) != recipe("w=640"));
}

TEST_CASE("format and quality alone have no visual effect") {  // §1.2, the size guard
    for (const std::string query : {"fm=webp", "q=50", "fit=cover", "fm=auto&g=top", "dpr=2", "rot=0"})
        CHECK_FALSE(plan_of(query).has_visual_effect());
    for (const std::string query : {"w=1", "h=1", "rot=90", "flip=h", "blur=1", "fm=jpeg&bg=fff", "fm=gif&anim=0"})
        CHECK(plan_of(query).has_visual_effect());
}
