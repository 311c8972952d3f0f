#include "server/handlers/answering.h"

#include <catch2/catch.hpp>

#include <string>

#include "base/time.h"

using namespace selvage;
using namespace selvage::handlers;

namespace {

const WallTime kModified{std::chrono::seconds(1'700'000'000)};
const WallTime kNow = kModified + std::chrono::hours(24);

const HeadCache::Heads& heads() {
    static const HeadCache::Heads kHeads = finish_heads(
        {{"content-type", "text/plain"}, {"etag", "\"tag\""}, {"cache-control", "no-cache"}, {"accept-ranges", "bytes"}},
        nullptr);
    return kHeads;
}

http::Answer ask(std::vector<http::Field> fields, bool ranges = true, std::string content = "0123456789") {
    http::Request request;
    request.fields = http::FieldList(fields);
    return std::get<http::Answer>(answer_selected(request,
                                                  {.validators = {.content = "tag", .suffix = {}, .last_modified = kModified},
                                                   .heads = heads(),
                                                   .body = http::Body(make_blob(std::move(content))),
                                                   .verdict = http::Verdict::Hit,
                                                   .ranges = ranges},
                                                  kNow));
}

std::string text_of(const http::Body& body) {
    std::string text;
    for (std::size_t i = 0; i < body.segments(); ++i) {
        const http::Segment& segment = body.segment(i);
        text += segment.bytes->view().substr(segment.offset, segment.length);
    }
    return text;
}

}  // namespace

SCENARIO("a selected representation is judged by the request") {  // RFC 9110 §13.2.2, §14.2
    THEN("without conditions it is sent whole") {
        const http::Answer answer = ask({});
        CHECK(answer.status == 200);
        CHECK(answer.head == heads().full);
        CHECK(text_of(answer.body) == "0123456789");
        CHECK(answer.verdict == http::Verdict::Hit);
    }
    THEN("a client that has it gets 304, without a body and what describes one") {
        const http::Answer answer = ask({{"if-none-match", "\"tag\""}});
        CHECK(answer.status == 304);
        CHECK(answer.body.length() == 0);
        CHECK(answer.head->field("content-type").empty());
        CHECK(answer.head->field("etag") == "\"tag\"");
        CHECK(answer.head->field("cache-control") == "no-cache");
    }
    THEN("a precondition that fails is 412, and comes before any range") {
        CHECK(ask({{"if-match", "\"other\""}}).status == 412);
        CHECK(ask({{"if-match", "\"other\""}, {"range", "bytes=0-1"}}).status == 412);
    }
    THEN("a condition comes before the range") {
        CHECK(ask({{"if-none-match", "\"tag\""}, {"range", "bytes=0-1"}}).status == 304);
    }
    THEN("a range is a part") {
        const http::Answer answer = ask({{"range", "bytes=2-4"}});
        CHECK(answer.status == 206);
        CHECK(text_of(answer.body) == "234");
    }
    THEN("several ranges are parts with a boundary that is not in the content") {
        const http::Answer answer = ask({{"range", "bytes=0-0,9000-9000"}}, true, std::string(10'000, 'x'));
        REQUIRE(answer.status == 206);
        CHECK(answer.body.segments() > 1);
        CHECK(text_of(answer.body).find("\r\n\r\nx\r\n") != std::string::npos);
        CHECK(text_of(ask({{"range", "bytes=0-0,9000-9000"}}, true, std::string(10'000, 'x')).body) != text_of(answer.body));
    }
    THEN("a range outside is 416") { CHECK(ask({{"range", "bytes=10-"}}).status == 416); }
    THEN("a coded representation is only sent whole") { CHECK(ask({{"range", "bytes=2-4"}}, false).status == 200); }
}

SCENARIO("a rule's fields") {
    config::Rule rule;
    rule.headers = {{"X-Frame-Options", "DENY"}, {"Cache-Control", "max-age=1"}};
    const HeadCache::Heads made = finish_heads({{"content-type", "text/plain"}, {"cache-control", "no-cache"}}, &rule);
    THEN("are added, and stand instead of ours of the same name") {
        CHECK(made.full->http1() == "content-type: text/plain\r\nx-frame-options: DENY\r\ncache-control: max-age=1\r\n");
    }
    THEN("are in a 304 as well") {
        CHECK(made.not_modified->field("x-frame-options") == "DENY");
        CHECK(made.not_modified->field("cache-control") == "max-age=1");
    }
}

SCENARIO("a version in the URL") {  // image-urls §1.6
    const Sha256 content = sha256("content");
    const std::string digits = hex(content);
    const auto other = [&](std::size_t size) {
        std::string changed = digits.substr(0, size);
        changed.back() = changed.back() == '0' ? '1' : '0';
        return changed;
    };
    THEN("names the content by its hash, from eight digits on") {
        CHECK(names_content(digits, content) == VersionMatch::Matches);
        CHECK(names_content(digits.substr(0, 8), content) == VersionMatch::Matches);
    }
    THEN("names it by our entity tag") { CHECK(names_content(etag_text(content), content) == VersionMatch::Matches); }
    THEN("names another") {
        CHECK(names_content(other(64), content) == VersionMatch::Differs);
        CHECK(names_content(other(8), content) == VersionMatch::Differs);
    }
    THEN("is no hash: too short, too long, or other letters") {
        CHECK(names_content(digits.substr(0, 7), content) == VersionMatch::NotAHash);
        CHECK(names_content(digits + "0", content) == VersionMatch::NotAHash);
        CHECK(names_content("", content) == VersionMatch::NotAHash);
        CHECK(names_content("2026-11-20", content) == VersionMatch::NotAHash);
        CHECK(names_content("DEADBEEF", content) == VersionMatch::NotAHash);
    }
}

TEST_CASE("heads are built once for a key") {
    HeadCache cache;
    int built = 0;
    const auto build = [&] {
        ++built;
        return finish_heads({{"etag", "\"a\""}}, nullptr);
    };
    const http::HeadPtr first = cache.find_or_build(Key128{1, 1}, build).full;
    CHECK(cache.find_or_build(Key128{1, 1}, build).full == first);
    CHECK(built == 1);
    cache.find_or_build(Key128{1, 2}, build);
    CHECK(built == 2);
    CHECK(cache.size() == 2);
}

TEST_CASE("a later reply answers once, and withdraws its work when it is dropped") {
    Later::Done answer_it;
    const auto interest = std::make_shared<loop::Interest>();
    auto later = std::make_unique<Later>([&](Later::Done done) {
        answer_it = std::move(done);
        return loop::Operation(interest);
    });
    std::uint16_t status = 0;
    WHEN("the work ends") {
        later->start([&](http::Answer answer) {
            status = answer.status;
            later.reset();  // as a session may
        });
        http::Answer answer;
        answer.status = 204;
        answer_it(std::move(answer));
        CHECK(status == 204);
    }
    WHEN("it is dropped") {
        later->start([&](http::Answer answer) { status = answer.status; });
        later.reset();
        CHECK(interest->dropped());
        CHECK(status == 0);
    }
    WHEN("it is withdrawn") {
        bool over = false;
        later->start([&](http::Answer) {
            over = true;
            later.reset();
        });
        later->withdraw();
        CHECK(!interest->wanted());
        CHECK(!interest->dropped());
        CHECK(!over);
        THEN("its end is told when the work ends") {
            interest->end([] { FAIL("the result is not wanted"); });
            CHECK(over);
        }
    }
}
