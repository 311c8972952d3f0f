#include "server/representations/source_memory.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "transforms/worker/protocol.h"

using namespace selvage;
using namespace selvage::representations;

namespace {

struct CountedCatalogue final : catalogue::Catalogue {
    std::optional<catalogue::Finding> find(std::string_view, SteadyTime) override { return std::nullopt; }
    Result<catalogue::Entry> resolve(const std::string&) override { return catalogue::Absent{}; }
    void forget(const std::string&) override {}
    Result<std::string> read(const catalogue::Source&) override {
        ++reads;
        if (gone) return fail(ErrorKind::NotFound, "gone");
        return "bytes";
    }
    std::atomic<int> reads = 0;
    std::atomic<bool> gone = false;
};

std::string content_of(const Result<SourceMemory::View>& view) {
    return transforms::worker::read_sealed(view.value().memory.number(), view.value().size).value();
}

}  // namespace

SCENARIO("a source is read once for all that is made of it at the same time") {
    CountedCatalogue disk;
    SourceMemories memories;
    const catalogue::Source source{.path = "/photo.jpg"};
    auto first = memories.of(sha256("a")), second = memories.of(sha256("a"));
    CHECK(first == second);
    CHECK(memories.of(sha256("b")) != first);
    WHEN("many threads want it") {
        std::atomic<int> good = 0;
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                const auto view = first->view(disk, source);
                if (view && transforms::worker::read_sealed(view->memory.number(), view->size).value() == "bytes") ++good;
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(good == 8);
        CHECK(disk.reads == 1);
    }
    WHEN("nobody holds it any more") {
        const auto view = first->view(disk, source);
        first.reset();
        second.reset();
        THEN("what was given out is still there, and the next one reads it anew") {
            CHECK(content_of(view) == "bytes");
            CHECK(content_of(memories.of(sha256("a"))->view(disk, source)) == "bytes");
            CHECK(disk.reads == 2);
        }
    }
    WHEN("it cannot be read") {
        disk.gone = true;
        CHECK(first->view(disk, source).error().kind == ErrorKind::NotFound);
        THEN("the next one tries himself") {
            disk.gone = false;
            CHECK(content_of(second->view(disk, source)) == "bytes");
        }
    }
}
