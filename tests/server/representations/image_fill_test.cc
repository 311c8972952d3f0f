#include "server/representations/image_fill.h"

#include <catch2/catch.hpp>

#include <future>
#include <optional>
#include <string>

#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;
using selvage::testing::run_until;

namespace {

// A folder of one picture, on a disk that answers when the test says so.
struct SlowCatalogue final : catalogue::Catalogue {
    std::optional<catalogue::Finding> find(std::string_view, SteadyTime) override { return std::nullopt; }
    Result<catalogue::Entry> resolve(const std::string&) override { return catalogue::Absent{}; }
    void forget(const std::string&) override {}
    Result<std::string> read(const catalogue::Source&) override {
        answers.wait();
        return "bytes";
    }
    std::promise<void> disk;
    std::shared_future<void> answers = disk.get_future().share();
};

// Fills whose transforms never come to their turn: no worker was started.
struct House {
    House() : store(cache_store::open_store("", {.memory_bytes = 1 << 20, .disk_bytes = 0}, log)) {
        auto made = std::make_shared<catalogue::Source>();
        made->path = "/photo.jpg";
        made->content = sha256("bytes");
        made->image = transforms::Probe{.format = transforms::Format::Jpeg, .width = 40, .height = 20};
        source = std::move(made);
    }
    ImageTask task() const {
        return {.key = {1, 2},
                .catalogue = disk,
                .source = source,
                .order = {.plan = {.width = 20}, .format = transforms::Format::Webp, .quality = 79}};
    }
    std::string outcome(Demand demand = Demand::Client) {
        std::optional<Filled> filled;
        ImageFill fill(
            {.control = loop, .pool = pool, .store = *store, .transforms = transforms, .fills = fills, .rules = rules}, task(),
            [demand] { return demand; }, [&](Filled result) { filled = std::move(result); });
        fill.start();
        run_until(loop, [&] { return filled.has_value(); });
        return filled->object ? "made" : std::string(filled->object.error().code);
    }

    Log log{2, LogLevel::Off};
    loop::Loop loop;
    http::Counters counters;
    std::shared_ptr<SlowCatalogue> disk = std::make_shared<SlowCatalogue>();
    catalogue::SourcePtr source;
    std::unique_ptr<cache_store::Store> store;
    loop::WorkPool pool{1};
    TransformPool transforms{loop, {.program = SELVAGE_WORKER, .workers = 1, .queue = 8, .limits = {}}, counters, log};
    Fills fills{loop, counters};
    FillRules rules;
};

}  // namespace

TEST_CASE("a source that is not read in time fails its request, which does not wait for the disk") {  // image-urls §3
    House house;
    house.rules.limits.source_timeout = 20ms;
    CHECK(house.outcome() == "upstream_timeout");
    CHECK(house.counters.value(http::LimitHit::ImageSourceTime) == 1);
    house.disk->disk.set_value();
}

TEST_CASE("who waits for a variant is told after a while that there will be none") {  // image-urls §3
    House house;
    house.disk->disk.set_value();
    house.rules.limits.total_timeout = 20ms;
    CHECK(house.outcome() == "processing_timeout");
    CHECK(house.counters.value(http::LimitHit::ImageTotalTime) == 1);
}
