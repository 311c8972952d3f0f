#include "server/representations/transform_cost.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "server/representations/transform_pool.h"
#include "tests/server/loop/turns.h"
#include "transforms/worker/sandbox_limits.h"

using namespace selvage;
using namespace selvage::representations;
using selvage::testing::run_until;
using transforms::Format;
using transforms::ImageEffort;
using namespace std::chrono_literals;

namespace {

const SourceClaims kPhoto{.format = Format::Jpeg, .pixels = 12'000'000, .bytes = 4'000'000};

std::chrono::microseconds cost(Format format, std::uint64_t pixels, ImageEffort effort = ImageEffort::Fast,
                               SourceClaims source = kPhoto) {
    return transform_cost(source, {.format = format, .effort = effort}, pixels).total();
}

// The pool's worker, and what it has held at most.
struct House {
    House() : pool(loop, {.program = SELVAGE_WORKER, .workers = 1, .queue = 8, .limits = {}}, counters, log) {
        bool ready = false;
        pool.start([&ready] { ready = true; });
        run_until(loop, [&] { return ready; });
    }
    bool make(const std::string& source, const transforms::Order& order) {
        TransformJob job;
        job.source = *transforms::worker::sealed_memory("test", source);
        job.source_size = source.size();
        job.content = sha256(source);
        job.order = order;
        std::optional<bool> made;
        const auto operation =
            pool.submit(std::move(job), [&](const Result<TransformResult>& result) { made = result.has_value(); });
        run_until(loop, [&] { return made.has_value(); });
        return *made;
    }
    static std::uint64_t high_water() {
        std::uint64_t most = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::ifstream in(entry.path() / "status");
            std::string name, parent;
            for (std::string line; std::getline(in, line);) {
                if (line.starts_with("PPid:")) parent = line.substr(6);
                if (line.starts_with("VmHWM:") && parent == std::to_string(::getpid()))
                    most = std::max<std::uint64_t>(most, std::stoull(line.substr(6)) * 1024);
            }
        }
        return most;
    }

    Log log{2, LogLevel::Off};
    loop::Loop loop;
    http::Counters counters;
    TransformPool pool;
};

}  // namespace

SCENARIO("what a job will cost, before it is done") {
    THEN("a thumbnail is cheap, whatever its format") {
        for (const Format format : {Format::Jpeg, Format::Webp, Format::Avif, Format::Png}) {
            CHECK(cost(format, 300 * 200) < TransformQueue::kHeavy);
        }
    }
    THEN("AVIF of two megapixels is made at once, with the least effort, and is expensive with the most") {
        CHECK(cost(Format::Avif, 2'000'000) < 200ms);
        CHECK(cost(Format::Avif, 2'000'000, ImageEffort::Best) > 500ms);
    }
    THEN("less effort costs no more, and a larger picture no less") {
        for (const Format format : {Format::Jpeg, Format::Webp, Format::Avif}) {
            CHECK(cost(format, 500'000, ImageEffort::Fast) <= cost(format, 500'000, ImageEffort::Usual));
            CHECK(cost(format, 500'000, ImageEffort::Usual) <= cost(format, 500'000, ImageEffort::Best));
            CHECK(cost(format, 500'000) < cost(format, 700'000));
        }
    }
    THEN("a progressive source takes several times as long to decode, unless it is made much smaller") {
        SourceClaims progressive = kPhoto;
        progressive.progressive = true;
        const auto decode = [](const SourceClaims& source, std::uint64_t pixels) {
            return transform_cost(source, {}, pixels).decode;
        };
        CHECK(decode(progressive, 2'000'000) > 3 * decode(kPhoto, 2'000'000));
        CHECK(decode(progressive, 100'000) < 2 * decode(kPhoto, 100'000));
    }
    THEN("a quality that has to be searched costs more than one that is given") {
        const auto given = transform_cost(kPhoto, {.format = Format::Webp, .quality = 80}, 200'000);
        const auto searched = transform_cost(kPhoto, {.format = Format::Webp, .quality = 80, .target = 70}, 200'000);
        CHECK(searched.make > 2 * given.make);
        CHECK(searched.decode == given.decode);
    }
    THEN("what a file claims cannot overflow it") {
        constexpr auto kMost = ~std::uint64_t{0};
        const auto absurd =
            transform_cost({.format = Format::Heic, .pixels = kMost, .bytes = kMost}, {.format = Format::Gif}, kMost);
        CHECK(absurd.total() > 1h);
        CHECK(absurd.memory > 1ULL << 40);
    }
}

TEST_CASE("a worker takes no more memory than is estimated, and not much less") {
    if (transforms::worker::kSanitized || !std::filesystem::exists(SELVAGE_SHARED_DATA "/images")) return;
    for (const char* name : {"p01-storm-2.5mp.jpg", "p09-wine-9.8mp.jpg", "g03-paper-alpha-3.1mp.png", "w02-photo.webp"}) {
        for (const Format format : {Format::Webp, Format::Avif}) {
            INFO(name);
            std::ifstream in(std::string(SELVAGE_SHARED_DATA "/images/") + name, std::ios::binary);
            const std::string source{std::istreambuf_iterator<char>(in), {}};
            const transforms::Probe probe = *transforms::probe(source);
            const transforms::Order order{.plan = {.width = 800}, .format = format, .quality = 60};
            House house;
            REQUIRE(house.make(source, order));
            const std::uint64_t pixels = 800ULL * 800 * probe.height / probe.width;
            const auto estimated = transform_cost(claims_of(probe, source.size()), order, pixels).memory;
            CHECK(House::high_water() <= estimated * 11 / 10);
            CHECK(House::high_water() >= estimated / 3);
        }
    }
}
