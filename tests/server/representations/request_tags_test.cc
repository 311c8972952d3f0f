#include "server/representations/request_tags.h"

#include <catch2/catch.hpp>

#include "server/purging.h"

using namespace selvage;
using namespace selvage::cache_store;
using representations::RequestTags;

namespace {

// A purge table as a store: nothing else of it is asked.
class TableStore final : public Store {
public:
    Found find(const Key128&, const Floor&) override { return {}; }
    bool on_disk(const Key128&) const override { return false; }
    Found fetch_now(const Key128&, const Floor&) override { return {}; }
    Found fetch(const Key128&, const Floor&) override { return {}; }
    std::shared_ptr<StoredBody> open(const Key128&, const Floor&) override { return nullptr; }
    NotStored put(const Key128&, ObjectPtr, Keep) override { return NotStored::DiskOff; }
    bool refresh(const Key128&, const Lifetimes&) override { return false; }
    void erase(const Key128&) override {}
    std::uint64_t sequence() const override { return table.sequence(); }
    Floor floor_of(std::span<const Tag> tags, std::string_view path) const override {
        ++asked;
        return table.floor_of(tags, path);
    }
    Result<std::uint64_t> purge(const Purge& purge) override { return table.purge(purge); }
    bool work_waits() const override { return false; }
    void work() override {}
    void on_work(std::function<void()>) override {}
    void set_limits(const Limits&) override {}
    void release() override {}
    bool reclaim() override { return true; }
    void close() override {}
    Stats stats() const override { return {}; }

    PurgeTable table;
    mutable int asked = 0;
};

// The operator's words on one side, a request on the other: does it purge it?
struct Scene {
    Scene() {
        config::Config config;
        config.sites.resize(1);
        config.sites[0].hosts = {"shop.test"};
        snapshot = *server::make_snapshot(std::make_shared<const config::Config>(config), 1,
                                          [](const config::Site&, const config::Config&) {
                                              return Result<std::shared_ptr<catalogue::Catalogue>>(std::make_shared<Nothing>());
                                          });
    }
    class Nothing final : public catalogue::Catalogue {
        std::optional<catalogue::Finding> find(std::string_view, SteadyTime) override { return std::nullopt; }
        Result<catalogue::Entry> resolve(const std::string&) override { return catalogue::Absent{}; }
        Result<std::string> read(const catalogue::Source&) override { return std::string(); }
        void forget(const std::string&) override {}
    };

    bool purges(const admin::PurgeRequest& request, std::string_view path, std::string_view query = {}) {
        const std::vector<std::string> labels = {"images", "news"};
        RequestTags tags(store, "shop.test", path, query, labels);
        const std::uint64_t birth = store.sequence();
        REQUIRE(store.purge(*server::purge_of(request, *snapshot)));
        return tags.floor().drops(birth);
    }
    TableStore store;
    server::SnapshotPtr snapshot;
};

}  // namespace

TEST_CASE("a request is purged by its URL, with any query or with its own") {
    Scene scene;
    CHECK(scene.purges({.urls = {"https://shop.test/a/b.png"}}, "/a/b.png"));
    CHECK(scene.purges({.urls = {"/a/b.png"}}, "/a/b.png", "w=64"));
    CHECK(scene.purges({.urls = {"/a/b.png?w=64"}}, "/a/b.png", "w=64"));
    CHECK_FALSE(scene.purges({.urls = {"/a/b.png?w=64"}}, "/a/b.png", "w=65"));
    CHECK_FALSE(scene.purges({.urls = {"/a/b.png?w=64"}}, "/a/b.png"));
    CHECK_FALSE(scene.purges({.urls = {"/a/b"}}, "/a/b.png"));
    CHECK(scene.purges({.urls = {"https://shop.test"}}, "/"));
}

TEST_CASE("a request is purged by every folder that it lies in, its rule's tags, globs and everything") {
    Scene scene;
    for (const char* prefix : {"/", "/a/", "/a/b/"}) CHECK(scene.purges({.prefixes = {prefix}}, "/a/b/c.png"));
    CHECK(scene.purges({.prefixes = {"/a/"}}, "/a/"));
    for (const char* prefix : {"/b/", "/a/b/c/"}) CHECK_FALSE(scene.purges({.prefixes = {prefix}}, "/a/b/c.png"));
    CHECK(scene.purges({.tags = {"news"}}, "/a"));
    CHECK_FALSE(scene.purges({.tags = {"new"}}, "/a"));
    for (const char* glob : {"/a/*.png", "/**.png", "**.png", "https://shop.test/a/?.png"}) {
        CHECK(scene.purges({.globs = {glob}}, "/a/b.png"));
    }
    CHECK_FALSE(scene.purges({.globs = {"/*.png"}}, "/a/b.png"));
    CHECK(scene.purges({.all = true}, "/a"));
}

TEST_CASE("what has been purged is asked for once per purge") {
    TableStore store;
    RequestTags tags(store, "shop.test", "/a", "", {});
    for (int i = 0; i < 5; ++i) (void)tags.floor();
    CHECK(store.asked == 1);
    REQUIRE(store.purge({.effect = Purge::Effect::Hard, .everything = true, .tags = {}, .globs = {}}));
    for (int i = 0; i < 5; ++i) CHECK(tags.floor().drops(0));
    CHECK(store.asked == 2);
}
