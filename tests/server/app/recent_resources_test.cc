#include "server/recent_resources.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using namespace selvage::server;
using namespace std::chrono_literals;

namespace {

class NamedResource final : public handlers::Resource {
public:
    explicit NamedResource(catalogue::SourcePtr source = nullptr) : source_(std::move(source)) {}
    http::Reply respond(const http::Request&) override { return http::Answer{}; }
    const catalogue::Source* source() const override { return source_.get(); }

private:
    catalogue::SourcePtr source_;
};

class ChangingCatalogue final : public catalogue::Catalogue {
public:
    std::optional<catalogue::Finding> find(std::string_view, SteadyTime) override { return std::nullopt; }
    Result<catalogue::Entry> resolve(const std::string&) override { return catalogue::Absent{}; }
    Result<std::string> read(const catalogue::Source&) override { return std::string(); }
    void forget(const std::string&) override { count_change(); }
    using Catalogue::count_change;
};

const SteadyTime kNow{1h};

struct Loop {
    handlers::ResourcePtr remember(std::string_view authority, std::string_view target, catalogue::SourcePtr source = nullptr) {
        auto resource = std::make_shared<NamedResource>(std::move(source));
        recent.remember(authority, target, resource,
                        {.catalogue = &catalogue, .changes = catalogue.changes(), .until = kNow + 500ms});
        return resource;
    }
    bool knows(std::string_view target, SteadyTime now = kNow) { return recent.find("a.test", target, now) != nullptr; }

    ChangingCatalogue catalogue;
    RecentResources recent;
};

}  // namespace

SCENARIO("a resource that was asked for is found again by authority and target, and by nothing else") {
    Loop loop;
    const auto first = loop.remember("a.test", "/x?w=1");
    CHECK(loop.recent.find("a.test", "/x?w=1", kNow) == first.get());
    CHECK(loop.recent.find("b.test", "/x?w=1", kNow) == nullptr);
    CHECK(loop.recent.find("a.test", "/x?w=2", kNow) == nullptr);
    CHECK(loop.recent.find("a.test", "/x", kNow) == nullptr);
    CHECK(loop.recent.find("a.tes", "t/x?w=1", kNow) == nullptr);
    const auto second = loop.remember("a.test", "/x?w=1");
    CHECK(loop.recent.find("a.test", "/x?w=1", kNow) == second.get());
}

SCENARIO("what is remembered is believed no longer than the catalogue vouches for it") {
    Loop loop;
    loop.remember("a.test", "/x");
    REQUIRE(loop.knows("/x"));
    THEN("a change makes it unknown") {
        loop.catalogue.count_change();
        CHECK_FALSE(loop.knows("/x"));
    }
    THEN("so does the end of its time") {
        CHECK(loop.knows("/x", kNow + 499ms));
        CHECK_FALSE(loop.knows("/x", kNow + 500ms));
    }
    THEN("so does another configuration") {
        loop.recent.clear();
        CHECK_FALSE(loop.knows("/x"));
    }
}

SCENARIO("a resource is taken up again after a change elsewhere, if its file is the same version") {
    Loop loop;
    const auto source = std::make_shared<const catalogue::Source>();
    const auto resource = loop.remember("a.test", "/x", source);
    loop.catalogue.count_change();
    CHECK(loop.recent.of_same_source("a.test", "/x", *source) == resource);
    CHECK(loop.recent.of_same_source("a.test", "/x", catalogue::Source{}) == nullptr);
    CHECK(loop.recent.of_same_source("a.test", "/y", *source) == nullptr);
}

SCENARIO("nothing is kept for long that nobody can get any more") {
    Loop loop;
    const std::weak_ptr<handlers::Resource> resource = loop.remember("a.test", "/x");
    loop.recent.forget_stale(kNow + 10s);
    CHECK_FALSE(resource.expired());
    WHEN("its catalogue has changed") {
        loop.catalogue.count_change();
        loop.recent.forget_stale(kNow);
    }
    WHEN("nobody has asked for it") { loop.recent.forget_stale(kNow + 2min); }
    CHECK(resource.expired());
}

SCENARIO("the memory is bounded") {
    Loop loop;
    std::vector<std::weak_ptr<handlers::Resource>> all;
    for (int i = 0; i < 20'000; ++i) all.push_back(loop.remember("a.test", "/" + std::to_string(i)));
    const auto living = std::ranges::count_if(all, [](const auto& resource) { return !resource.expired(); });
    CHECK(living <= 4096);
    CHECK(living > 1024);
    loop.remember("a.test", "/" + std::string(10'000, 'x'));
    CHECK_FALSE(loop.knows("/" + std::string(10'000, 'x')));
    THEN("a scan does not drive out what is in use") {
        loop.remember("a.test", "/used");
        CHECK(loop.knows("/used"));
        loop.remember("a.test", "/used");  // asked for again: in front
        for (int i = 0; i < 20'000; ++i) loop.remember("a.test", "/scan" + std::to_string(i));
        CHECK(loop.knows("/used"));
    }
}
