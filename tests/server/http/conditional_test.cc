#include "server/http/conditional.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::http;
using namespace std::chrono_literals;
using enum selvage::http::Precondition;

namespace {

constexpr std::string_view kTag = "abcdefghijklmnop";
const WallTime kModified{1'700'000'000s};
const WallTime kNow = kModified + 24h;
const Validators kIdentity{.content = kTag, .suffix = "", .last_modified = kModified};
const Validators kBrotli{.content = kTag, .suffix = "-br", .last_modified = kModified};

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

struct Asked {
    std::vector<std::pair<std::string, std::string>> fields;
    Method method = Method::Get;

    Request request() const {
        Request made;
        made.method = method;
        for (const auto& [name, value] : fields) made.fields.push_back({name, value});
        return made;
    }
    Precondition of(const Validators& validators) const { return evaluate_preconditions(request(), validators, kNow); }
};

}  // namespace

SCENARIO("If-None-Match: what the client has in any coding need not be sent again") {  // RFC 9110 §13.1.2, static-delivery §1
    const auto none_match = [](const std::string& value, const Validators& validators = kIdentity) {
        return Asked{{{"if-none-match", value}}}.of(validators);
    };
    CHECK(none_match(quoted(kTag)) == NotModified);
    CHECK(none_match("W/" + quoted(kTag)) == NotModified);
    CHECK(none_match("\"other\", " + quoted(kTag)) == NotModified);
    CHECK(none_match("\"with, comma\"," + quoted(kTag)) == NotModified);
    CHECK(none_match("*") == NotModified);
    for (const char* suffix : {"-br", "-zstd", "-gz", "-dcz.0a1b2c3d", "-br.fast", "-zstd.fast"})
        CHECK(none_match(quoted(std::string(kTag) + suffix)) == NotModified);
    CHECK(none_match(quoted(kTag), kBrotli) == NotModified);
    CHECK(none_match("\"other\"") == Proceed);
    CHECK(none_match(quoted(std::string(kTag) + "x")) == Proceed);
    CHECK(none_match(quoted(std::string(kTag) + "-dcz.XYZ")) == Proceed);
    CHECK(none_match(quoted(std::string(kTag) + ".fast")) == Proceed);
    CHECK(none_match(std::string(kTag)) == Proceed);  // not quoted
    CHECK(none_match("w/" + quoted(kTag)) == Proceed);
    CHECK(none_match("") == Proceed);
    CHECK(none_match(",,,") == Proceed);
    CHECK(none_match("\"\"", Validators{}) == Proceed);
}

SCENARIO("If-Match holds for exactly the representation that would be sent") {  // RFC 9110 §13.1.1
    const auto match = [](const std::string& value, const Validators& validators = kIdentity) {
        return Asked{{{"if-match", value}}}.of(validators);
    };
    CHECK(match(quoted(kTag)) == Proceed);
    CHECK(match("*") == Proceed);
    CHECK(match("\"a\", " + quoted(std::string(kTag) + "-br"), kBrotli) == Proceed);
    CHECK(match(quoted(kTag), kBrotli) == PreconditionFailed);
    CHECK(match("W/" + quoted(kTag)) == PreconditionFailed);
    CHECK(match("\"other\"") == PreconditionFailed);
    CHECK(match("") == PreconditionFailed);
}

SCENARIO("dates are compared by the second") {  // RFC 9110 §13.1.3, §13.1.4
    const auto since = [](const std::string& date) { return Asked{{{"if-modified-since", date}}}.of(kIdentity); };
    CHECK(since(http_date(kModified)) == NotModified);
    CHECK(since(http_date(kModified + 1s)) == NotModified);
    CHECK(since(http_date(kModified - 1s)) == Proceed);
    CHECK(since("yesterday") == Proceed);
    const auto unmodified = [](const std::string& date) { return Asked{{{"if-unmodified-since", date}}}.of(kIdentity); };
    CHECK(unmodified(http_date(kModified)) == Proceed);
    CHECK(unmodified(http_date(kModified - 1s)) == PreconditionFailed);
    CHECK(unmodified("yesterday") == Proceed);
}

SCENARIO("the order of preconditions") {  // RFC 9110 §13.2.2
    const std::string past = http_date(kModified - 1h);
    const std::string future = http_date(kModified + 1h);
    THEN("If-Match makes If-Unmodified-Since moot") {
        CHECK(Asked{{{"if-match", quoted(kTag)}, {"if-unmodified-since", past}}}.of(kIdentity) == Proceed);
    }
    THEN("If-None-Match makes If-Modified-Since moot") {
        CHECK(Asked{{{"if-none-match", "\"other\""}, {"if-modified-since", future}}}.of(kIdentity) == Proceed);
        CHECK(Asked{{{"if-none-match", quoted(kTag)}, {"if-modified-since", past}}}.of(kIdentity) == NotModified);
    }
    THEN("a failed If-Match comes before a matching If-None-Match") {
        CHECK(Asked{{{"if-match", "\"other\""}, {"if-none-match", quoted(kTag)}}}.of(kIdentity) == PreconditionFailed);
        CHECK(Asked{{{"if-unmodified-since", past}, {"if-none-match", quoted(kTag)}}}.of(kIdentity) == PreconditionFailed);
    }
    THEN("HEAD is as GET, and other methods have no preconditions here") {
        CHECK(Asked{{{"if-none-match", quoted(kTag)}}, Method::Head}.of(kIdentity) == NotModified);
        CHECK(Asked{{{"if-none-match", quoted(kTag)}}, Method::Options}.of(kIdentity) == Proceed);
    }
}

SCENARIO("If-Range needs a strong validator that is exactly the current one") {  // RFC 9110 §13.1.5
    const auto holds = [](const std::string& value, WallTime now = kNow) {
        return if_range_holds(Asked{{{"if-range", value}}}.request(), kIdentity, now);
    };
    CHECK(if_range_holds(Asked{}.request(), kIdentity, kNow));
    CHECK(holds(quoted(kTag)));
    CHECK_FALSE(holds("W/" + quoted(kTag)));
    CHECK_FALSE(holds(quoted(std::string(kTag) + "-br")));
    CHECK(holds(http_date(kModified)));
    CHECK_FALSE(holds(http_date(kModified + 1s)));
    CHECK_FALSE(holds(http_date(kModified), kModified + 1s));
    CHECK_FALSE(holds("rubbish"));
    CHECK_FALSE(holds(""));
}
