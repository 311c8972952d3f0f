#include "server/hints/hints.h"

#include <catch2/catch.hpp>

#include "tests/server/hints/fake_site.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using selvage::testing::FakeSite;
using selvage::testing::run_until;

namespace {

http::Request request_with(std::string_view destination) {
    http::Request request;
    if (!destination.empty()) request.fields = http::FieldList({{"sec-fetch-dest", destination}});
    return request;
}

struct House {
    House() {
        site->write("/index.html", "<script type=module src=/main.js></script>");
        site->write("/main.js", "import './a.js'");
        site->write("/a.js", "");
        site->write("/b.js", "");
        page = hints.of(site, *source(), limits);
    }

    const catalogue::SourcePtr& source() const { return site->files["/index.html"]; }
    std::uint64_t look() {
        now += std::chrono::seconds(2);
        return hints.version(page, site, source(), limits, now);
    }
    std::uint64_t gathered() const { return counters.value(http::Counter::HintsGathered); }
    void wait_for_gathering(std::uint64_t times) {
        run_until(loop, [&] { return gathered() >= times; });
    }

    loop::Loop loop;
    http::Counters counters;
    loop::WorkPool pool{1};
    std::shared_ptr<FakeSite> site = std::make_shared<FakeSite>();
    config::Hints limits;
    hints::Hints hints{pool, counters};
    hints::PageHintsPtr page;
    SteadyTime now{};
};

}  // namespace

SCENARIO("the first request for a page has no hints, and does not wait for them") {
    House house;
    CHECK(house.look() == 0);
    house.wait_for_gathering(1);
    const std::uint64_t version = house.look();
    CHECK(version != 0);
    const auto set = house.page->current();
    CHECK(set->version == version);
    REQUIRE(set->list.size() == 1);
    CHECK(set->list[0].target == "/a.js");
    CHECK(house.gathered() == 1);  // nothing has changed since
}

SCENARIO("hints follow the files that they come from") {
    House house;
    CHECK(house.look() == 0);
    house.wait_for_gathering(1);
    const std::uint64_t before = house.look();
    house.site->write("/main.js", "import './b.js'");
    std::uint64_t after = before;
    run_until(house.loop, [&] { return (after = house.look()) != before; });
    CHECK(house.page->current()->list[0].target == "/b.js");
    THEN("a change elsewhere leaves them as they are") {
        const std::uint64_t times = house.gathered();
        house.site->write("/other.txt", "");
        run_until(house.loop, [&] { return house.look() == after && house.gathered() > times; });
        CHECK(house.look() == after);
    }
    THEN("another page has its own") {
        house.site->write("/index.html", "<p>nothing");
        const auto page = house.hints.of(house.site, *house.source(), house.limits);
        CHECK(page != house.page);
        CHECK(page->current()->version == 0);
    }
}

SCENARIO("a busy site is not looked at again with each request") {
    House house;
    CHECK(house.look() == 0);
    house.wait_for_gathering(1);
    house.site->write("/other.txt", "");
    CHECK(house.look() != 0);
    house.wait_for_gathering(2);
    for (int i = 0; i < 100; ++i) {
        house.site->write("/other.txt", "");
        CHECK(house.hints.version(house.page, house.site, house.source(), house.limits, house.now) != 0);
    }
    CHECK(house.gathered() == 2);
}

SCENARIO("only pages have hints") {
    House house;
    CHECK(house.hints.of(house.site, *house.site->files["/main.js"], house.limits) == nullptr);
    CHECK(house.hints.of(house.site, *house.source(), house.limits) == house.page);
}

SCENARIO("hints are for navigations, as far as a request says") {  // Fetch Metadata §2.1
    for (const char* destination : {"", "document", "iframe", "frame"}) CHECK(hints::wants_hints(request_with(destination)));
    for (const char* destination : {"empty", "script", "object", "embed"})
        CHECK_FALSE(hints::wants_hints(request_with(destination)));
}
