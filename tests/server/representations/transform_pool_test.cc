#include "server/representations/transform_pool.h"

#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::representations;
using selvage::testing::run_until;

namespace {

// A picture of 8 × 8 pixels.
const std::string kPicture(
    "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x08\x00\x00\x00\x08"
    "\x08\x02\x00\x00\x00\x4b\x6d\x29\xdc\x00\x00\x00\xa9\x49\x44\x41\x54\x78\xda\x63\x60\xd0\x08\x60"
    "\xd5\x0d\xe5\x32\x8a\xe2\x37\x8f\x17\xb1\x49\x91\x74\xcc\x94\x73\xcb\x53\xf6\x2e\x66\x60\xd6\x0e"
    "\xe6\x30\x88\xe0\x35\x8d\x15\xb2\x4a\x12\xb7\x4f\x97\x71\xc9\x51\xf4\x2c\x54\xf3\x2b\x63\x60\xd3"
    "\x0b\xe3\x36\x8e\x16\xb0\x48\x10\xb5\x4d\x95\x72\xca\x92\x77\xcf\x57\xf1\x29\xd1\x0c\xac\x64\xe0"
    "\x34\x8c\xe4\x33\x8b\x13\xb6\x4e\x96\x70\xc8\x90\x75\xcd\x55\xf2\x2a\x52\xf7\x2f\xd7\x09\xa9\x61"
    "\xe0\x31\x89\x11\xb4\x4c\x14\xb3\x4b\x93\x76\xce\x56\xf0\x28\x50\xf5\x2d\xd5\x0a\xaa\xd2\x0f\xaf"
    "\x67\x40\xb3\x53\x23\xa0\x42\x37\xb4\xd6\x28\xaa\x89\x01\xcd\x4e\xed\xe0\x6a\x83\x88\x06\xd3\xd8"
    "\x56\x06\x34\x3b\xf5\xc2\xea\x8c\xa3\x9b\x2d\x12\x3a\x00\x77\x76\x33\x01\xfc\xf1\x49\xe6\x00\x00"
    "\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82",
    226);

struct Child {
    pid_t id;
    char state;  // as in /proc/ID/stat: R S T Z …
};

// Our own child processes.
std::vector<Child> children() {
    std::vector<Child> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ostringstream text;
        text << std::ifstream(entry.path() / "stat").rdbuf();
        const std::string stat = text.str();
        const std::size_t after_name = stat.rfind(')');
        if (after_name == std::string::npos) continue;
        std::istringstream rest(stat.substr(after_name + 1));
        char state = 0;
        pid_t parent = 0;
        rest >> state >> parent;
        if (parent == ::getpid()) found.push_back({static_cast<pid_t>(std::stol(name)), state});
    }
    return found;
}

// The pool, with one worker unless said otherwise, and what its jobs came to.
struct House {
    explicit House(config::Image limits = {}, unsigned queue = 8, unsigned workers = 1)
        : pool(loop, {.program = SELVAGE_WORKER, .workers = workers, .queue = queue, .limits = std::move(limits)}, counters,
               log) {
        bool ready = false;
        pool.start([&ready] { ready = true; });
        run_until(loop, [&] { return ready && pool.ready_workers() == workers; });
    }
    void signal_all(int signal) const {
        for (const Child& child : children()) ::kill(child.id, signal);
    }
    pid_t worker() const {
        for (const Child& child : children()) {
            if (child.state != 'Z') return child.id;
        }
        return 0;
    }
    TransformJob job(std::string_view source = kPicture) const {
        TransformJob job;
        job.source = *transforms::worker::sealed_memory("test", source);
        job.source_size = source.size();
        job.content = sha256(source);
        job.order = {.plan = {.width = 4}, .format = transforms::Format::Png};
        return job;
    }
    TransformJob job_of(TransformCost cost, std::string_view source = kPicture) const {
        TransformJob made = job(source);
        made.cost = cost;
        return made;
    }
    // Index of the result-to-be.
    std::size_t submit(TransformJob job) {
        const std::size_t index = results.size();
        results.emplace_back();
        operations.push_back(
            pool.submit(std::move(job), [this, index](Result<TransformResult> result) { results[index] = std::move(result); }));
        return index;
    }
    Result<TransformResult>& result(std::size_t index) {
        run_until(loop, [&] { return results[index].has_value(); });
        return *results[index];
    }
    std::string code(std::size_t index) {
        const auto& settled = result(index);
        return settled ? "ok" : std::string(settled.error().code);
    }
    void turn() {  // what was posted has run: the job is with the worker
        bool turned = false;
        loop.post([&] { turned = true; });
        run_until(loop, [&] { return turned; });
    }
    // A job that its worker never gets to do: it is stopped first.
    std::size_t submit_to_stopped(TransformJob job) {
        ::kill(worker(), SIGSTOP);
        const std::size_t index = submit(std::move(job));
        turn();
        return index;
    }
    std::uint64_t count(http::Counter counter) const { return counters.value(counter); }

    Log log{2, LogLevel::Off};
    loop::Loop loop;
    http::Counters counters;
    std::deque<std::optional<Result<TransformResult>>> results;
    std::vector<loop::Operation> operations;
    TransformPool pool;
};

}  // namespace

TEST_CASE("a job is done, by a worker that says what its codecs are") {
    House house;
    CHECK(!house.pool.epoch().empty());
    const auto index = house.submit(house.job());
    auto& result = house.result(index);
    REQUIRE(result);
    CHECK(result->done.width == 4);
    CHECK(result->done.source_width == 8);
    CHECK(result->done.format == transforms::Format::Png);
    const auto bytes = transforms::worker::read_sealed(result->output.number(), result->done.output_size);
    REQUIRE(bytes);
    CHECK(bytes->starts_with("\x89PNG"));
    CHECK(house.count(http::Counter::TransformOk) == 1);
    CHECK(house.count(http::Counter::TransformPng) == 1);
}

TEST_CASE("a source that cannot be decoded costs its job, not the worker") {
    House house;
    const pid_t worker = house.worker();
    const auto broken = house.submit(house.job(std::string_view(kPicture).substr(0, 60)));
    CHECK(house.code(broken) == "undecodable");
    CHECK(house.code(house.submit(house.job())) == "ok");
    CHECK(house.worker() == worker);
    CHECK(house.count(http::Counter::WorkerRestarts) == 0);
    CHECK(house.count(http::Counter::TransformRefused) == 1);
}

SCENARIO("a worker that is killed") {
    House house;
    const pid_t first = house.worker();
    const auto lost = house.submit_to_stopped(house.job());
    ::kill(first, SIGKILL);
    CHECK(house.code(lost) == "worker_crashed");
    CHECK(house.result(lost).error().kind == ErrorKind::Internal);

    THEN("another takes its place, and the same source may try once more") {
        CHECK(house.code(house.submit(house.job())) == "ok");
        CHECK(house.worker() != first);
        CHECK(house.count(http::Counter::WorkerRestarts) == 1);
        CHECK(house.count(http::Counter::TransformCrashed) == 1);
    }
    THEN("a source that was there twice is refused, others are not") {  // protocol-and-limits §7
        run_until(house.loop, [&] { return house.pool.ready_workers() == 1; });
        const auto again = house.submit_to_stopped(house.job());
        ::kill(house.worker(), SIGKILL);
        CHECK(house.code(again) == "worker_crashed");
        const auto refused = house.submit(house.job());
        CHECK(house.code(refused) == "poisoned_source");
        CHECK(house.result(refused).error().kind == ErrorKind::Unprocessable);
        CHECK(house.code(house.submit(house.job(kPicture + "other"))) == "ok");
    }
    THEN("nothing of it is left, not even a zombie") {
        run_until(house.loop, [&] { return house.pool.ready_workers() == 1; });
        run_until(house.loop, [] { return children().size() == 1; });
    }
}

TEST_CASE("a worker that is killed while it has nothing to do is replaced, and no source is blamed") {
    House house;
    const pid_t first = house.worker();
    ::kill(first, SIGKILL);
    run_until(house.loop, [&] { return house.count(http::Counter::WorkerStarts) == 2 && house.pool.ready_workers() == 1; });
    CHECK(house.worker() != first);
    CHECK(house.code(house.submit(house.job())) == "ok");
}

TEST_CASE("a job that takes too long is ended with its worker") {
    config::Image limits;
    limits.process_timeout = std::chrono::milliseconds(50);
    House house(limits);
    const pid_t first = house.worker();
    const auto stuck = house.submit_to_stopped(house.job());
    CHECK(house.code(stuck) == "processing_timeout");
    CHECK(house.result(stuck).error().kind == ErrorKind::TimedOut);
    CHECK(house.count(http::Counter::TransformTimedOut) == 1);
    limits.process_timeout = std::chrono::milliseconds(10'000);
    house.pool.set_limits(limits);
    CHECK(house.code(house.submit(house.job())) == "ok");
    CHECK(house.worker() != first);
    run_until(house.loop, [] { return children().size() == 1; });  // stopped or not, it is gone
}

SCENARIO("the queue") {
    config::Image limits;
    limits.queue_timeout = std::chrono::hours(1);
    limits.process_timeout = std::chrono::hours(1);
    House house(limits, 2);
    const auto busy = house.submit_to_stopped(house.job());
    const pid_t worker = house.worker();

    WHEN("it is full") {
        const auto first = house.submit(house.job()), second = house.submit(house.job());
        const auto third = house.submit(house.job());
        THEN("the next is refused, not before submit() has returned") {
            CHECK(!house.results[third].has_value());
            CHECK(house.code(third) == "overloaded");
            CHECK(house.result(third).error().kind == ErrorKind::Overloaded);
            CHECK(house.counters.value(http::LimitHit::ImageQueue) == 1);
        }
        THEN("those in it are done when the worker goes on") {
            ::kill(worker, SIGCONT);
            CHECK(house.code(busy) == "ok");
            CHECK(house.code(first) == "ok");
            CHECK(house.code(second) == "ok");
        }
    }
    WHEN("a job waits longer than the limit") {
        limits.queue_timeout = std::chrono::milliseconds(1);
        house.pool.set_limits(limits);
        const auto waiting = house.submit(house.job());
        CHECK(house.code(waiting) == "overloaded");
        CHECK(house.pool.queued() == 0);
    }
    WHEN("whoever waits leaves while all workers are busy") {
        TransformJob unwanted = house.job();
        unwanted.wanted = [] { return Demand::None; };
        const auto skipped = house.submit(std::move(unwanted));
        const auto left = house.submit(house.job());
        house.operations.back().cancel();
        CHECK(house.pool.queued() == 2);
        const auto& settled = house.result(skipped);
        THEN("its place in the queue is another's, and it need not wait for a worker") {
            CHECK(!settled);
            CHECK(house.pool.queued() == 0);
            const auto stays = house.submit(house.job());
            ::kill(worker, SIGCONT);
            CHECK(house.code(busy) == "ok");
            CHECK(house.code(stays) == "ok");
            CHECK(!house.results[left].has_value());
        }
    }
    WHEN("whoever waits leaves") {
        const auto left = house.submit(house.job());
        house.operations.back().cancel();
        bool asked = false;
        TransformJob unwanted = house.job();
        unwanted.wanted = [&asked] {
            asked = true;
            return Demand::None;
        };
        const auto skipped = house.submit(std::move(unwanted));
        ::kill(worker, SIGCONT);
        CHECK(house.code(busy) == "ok");
        const auto& settled = house.result(skipped);
        THEN("the work is not done") {
            CHECK(asked);
            CHECK(!settled);
            CHECK(settled.error().kind == ErrorKind::Cancelled);
            CHECK(!house.results[left].has_value());
            CHECK(house.count(http::Counter::TransformOk) == 1);
        }
    }
}

SCENARIO("several images of one source are asked for at once") {  // image-engine §4
    House house;
    std::vector<std::size_t> asked;
    const auto ask = [&](unsigned width) {
        TransformJob job = house.job();
        job.order.plan.width = width;
        asked.push_back(house.submit(std::move(job)));
    };
    WHEN("the worker does well") {
        for (unsigned width = 1; width <= 8; ++width) ask(width);
        THEN("the source is decoded once for all, and each is answered as soon as it is made") {
            for (unsigned i = 0; i < 8; ++i) {
                const auto& result = house.result(asked[i]);
                REQUIRE(result);
                CHECK(result->done.width == i + 1);
                CHECK(result->done.order == i);
                CHECK(result->done.id == house.result(asked[0])->done.id);
                CHECK(result->done.jobs_done == (i == 7 ? 1 : 0));
            }
            CHECK(house.count(http::Counter::TransformBatches) == 1);
            CHECK(house.count(http::Counter::TransformBatchedOrders) == 8);
            CHECK(house.count(http::Counter::TransformOk) == 8);
        }
    }
    WHEN("one of them cannot be made") {
        ask(4);
        TransformJob wrong = house.job();
        wrong.order.plan = {.width = 9'000, .height = 9'000, .fit = transforms::Fit::Pad};
        asked.push_back(house.submit(std::move(wrong)));
        ask(5);
        THEN("the others are") {
            CHECK(house.code(asked[0]) == "ok");
            CHECK(house.code(asked[1]) == "too_large");
            CHECK(house.code(asked[2]) == "ok");
            CHECK(house.count(http::Counter::TransformBatches) == 1);
        }
    }
    WHEN("the worker is lost") {
        const pid_t first = house.worker();
        ::kill(first, SIGSTOP);
        for (unsigned width = 1; width <= 3; ++width) ask(width);
        house.turn();
        CHECK(house.pool.queued() == 0);
        ::kill(first, SIGKILL);
        THEN("the one that was being made is lost, and the others are made, each alone") {
            CHECK(house.code(asked[0]) == "worker_crashed");
            CHECK(house.code(asked[1]) == "ok");
            CHECK(house.code(asked[2]) == "ok");
            CHECK(house.result(asked[1])->done.id != house.result(asked[2])->done.id);
            CHECK(house.count(http::Counter::TransformBatches) == 1);
            CHECK(house.count(http::Counter::WorkerRestarts) == 1);
        }
    }
    WHEN("nobody waits any more for one of them") {
        ::kill(house.worker(), SIGSTOP);
        const auto busy = house.submit(house.job(kPicture + "other"));
        house.turn();
        for (unsigned width = 1; width <= 3; ++width) ask(width);
        house.operations[asked[1]].cancel();
        ::kill(house.worker(), SIGCONT);
        THEN("it is not made") {
            CHECK(house.code(busy) == "ok");
            CHECK(house.code(asked[0]) == "ok");
            CHECK(house.code(asked[2]) == "ok");
            CHECK(house.count(http::Counter::TransformBatchedOrders) == 2);
        }
    }
}

SCENARIO("a job of a costly source waits a moment for others of the same") {
    config::Image limits;
    limits.gather = std::chrono::milliseconds(300);
    House house(limits);
    const auto first = house.submit(house.job_of({.decode = std::chrono::milliseconds(30)}));
    const auto other = house.submit(house.job(kPicture + "other"));
    CHECK(house.code(other) == "ok");  // cheap: it does not wait
    CHECK(!house.results[first].has_value());
    const auto second = house.submit(house.job_of({.decode = std::chrono::milliseconds(30)}));
    CHECK(house.code(first) == "ok");
    CHECK(house.code(second) == "ok");
    CHECK(house.count(http::Counter::TransformBatchedOrders) == 2);
}

SCENARIO("two workers") {
    config::Image limits;
    limits.queue_timeout = std::chrono::hours(1);
    limits.process_timeout = std::chrono::hours(1);
    limits.gather = std::chrono::milliseconds(0);
    limits.memory_budget = 1'000;
    House house(limits, 8, 2);
    house.signal_all(SIGSTOP);
    const auto submit = [&](const char* source, TransformCost cost, Wanted wanted = {}) {
        TransformJob job = house.job_of(cost, kPicture + source);
        job.wanted = std::move(wanted);
        return house.submit(std::move(job));
    };
    const auto all_done = [&] {
        house.signal_all(SIGCONT);
        for (std::size_t i = 0; i < house.results.size(); ++i) CHECK(house.code(i) == "ok");
    };
    const auto expensive = std::chrono::milliseconds(150);

    WHEN("much that is expensive is asked for") {
        submit("1", {.make = expensive});
        submit("2", {.make = expensive});
        submit("3", {}, [] { return Demand::Background; });
        house.turn();
        THEN("one of them is left to what is cheap") {
            CHECK(house.pool.busy_workers() == 1);
            CHECK(house.pool.queued(Lane::Heavy) == 1);
            CHECK(house.pool.queued(Lane::Background) == 1);
            submit("4", {.make = expensive / 2});
            house.turn();
            CHECK(house.pool.busy_workers() == 2);
            CHECK(house.pool.queued() == 2);
            all_done();
        }
        THEN("of that so many may wait as there are workers, and who asks can know") {
            CHECK(house.pool.pressure().takes_heavy());
            submit("4", {.make = expensive});
            house.turn();
            CHECK(!house.pool.pressure().takes_heavy());
            const auto refused = submit("5", {.make = expensive});
            CHECK(house.code(refused) == "overloaded");
            CHECK(house.counters.value(http::LimitHit::ImageHeavyQueue) == 1);
            CHECK(house.counters.value(http::LimitHit::ImageQueue) == 0);
        }
    }
    WHEN("what runs takes most of the memory budget") {
        submit("1", {.memory = 600});
        submit("2", {.memory = 401});
        house.turn();
        CHECK(house.pool.busy_workers() == 1);
        CHECK(house.pool.memory() == 600);
        CHECK(house.count(http::Counter::TransformMemoryWaits) >= 1);
        THEN("what does not fit waits, and what fits does not") {
            submit("3", {.memory = 400});
            house.turn();
            CHECK(house.pool.busy_workers() == 2);
            CHECK(house.pool.memory() == 1'000);
            all_done();
        }
    }
    WHEN("one job would take more than the budget") {
        submit("1", {.memory = 5'000});
        house.turn();
        THEN("it may run alone") { CHECK(house.pool.busy_workers() == 1); }
        all_done();
    }
    WHEN("all are busy") {
        CHECK(house.pool.pressure().idle_workers() == 2);
        CHECK(house.pool.pressure().wait() == std::chrono::microseconds(0));
        for (const char* source : {"1", "2", "3", "4"}) submit(source, {.make = std::chrono::milliseconds(140)});
        house.turn();
        THEN("who asks can know how long it will take") {
            CHECK(house.pool.pressure().idle_workers() == 0);
            CHECK(house.pool.pressure().wait() > std::chrono::milliseconds(200));
            CHECK(house.pool.pressure().wait() <= std::chrono::milliseconds(280));
        }
        all_done();
    }
}

TEST_CASE("a worker is replaced after its number of jobs") {
    config::Image limits;
    limits.recycle_jobs = 2;
    House house(limits);
    const pid_t first = house.worker();
    CHECK(house.code(house.submit(house.job())) == "ok");
    CHECK(house.worker() == first);
    CHECK(house.code(house.submit(house.job())) == "ok");
    CHECK(house.code(house.submit(house.job())) == "ok");
    CHECK(house.worker() != first);
    CHECK(house.count(http::Counter::WorkerStarts) == 2);
    CHECK(house.count(http::Counter::WorkerRestarts) == 0);  // an intended end is no accident
}

TEST_CASE("a program that cannot run leaves the pool without workers, not the server without an end") {
    Log log(2, LogLevel::Off);
    loop::Loop loop;
    http::Counters counters;
    TransformPool pool(loop, {.program = "/bin/false", .workers = 1, .queue = 1, .limits = {}}, counters, log);
    pool.start([] {});
    run_until(loop, [&] { return counters.value(http::Counter::WorkerStarts) == 3; });  // tried again, more slowly each time
    CHECK(pool.ready_workers() == 0);
}
