// A worker decodes what strangers sent. Should one of them take it over: what does that cost, and whom? The pool with a worker
// program that does what its source says (tests/support/misbehaving_worker.cc), behind the walls of the real one.

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "server/representations/transform_pool.h"
#include "tests/server/loop/turns.h"
#include "transforms/worker/sandbox_limits.h"

using namespace selvage;
using namespace selvage::representations;
using selvage::testing::run_until;

namespace {

constexpr bool kSanitized = transforms::worker::kSanitized;

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::uint64_t resident_bytes() {
    std::uint64_t total = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The pool with one such worker, what its jobs came to, and its log.
struct House {
    explicit House(config::Image limits = {})
        : pool(loop, {.program = SELVAGE_MISBEHAVING_WORKER, .workers = 1, .queue = 8, .limits = std::move(limits)}, counters,
               log) {
        bool ready = false;
        pool.start([&ready] { ready = true; });
        run_until(loop, [&] { return ready; });
    }

    // What the job came to whose source says this: "ok", or the code of its error.
    std::string ask(std::string_view source) {
        std::optional<Result<TransformResult>> result;
        const auto operation = pool.submit(job(source), [&](Result<TransformResult> settled) { result = std::move(settled); });
        run_until(loop, [&] { return result.has_value(); });
        return *result ? "ok" : std::string(result->error().code);
    }
    // The same of several that are asked for at once.
    std::string all(std::initializer_list<std::string_view> sources) {
        std::deque<std::optional<std::string>> codes(sources.size());
        std::vector<loop::Operation> operations;
        for (const std::string_view source : sources) {
            auto& code = codes[operations.size()];
            operations.push_back(pool.submit(job(source), [&code](const Result<TransformResult>& settled) {
                code = settled ? "ok" : std::string(settled.error().code);
            }));
        }
        run_until(loop, [&] { return std::ranges::all_of(codes, [](const auto& code) { return code.has_value(); }); });
        std::string text;
        for (const auto& code : codes) text += (text.empty() ? "" : " ") + *code;
        return text;
    }
    static TransformJob job(std::string_view source) {
        TransformJob made;
        made.source = *transforms::worker::sealed_memory("test", source);
        made.source_size = source.size();
        made.content = sha256(source);
        made.order = {.plan = {.width = 4}, .format = transforms::Format::Png};
        made.name = source;
        return made;
    }
    std::string logged() const {
        std::string text(static_cast<std::size_t>(::lseek(log_file.number(), 0, SEEK_END)), '\0');
        (void)!::pread(log_file.number(), text.data(), text.size(), 0);
        return text;
    }
    std::uint64_t replaced() const { return counters.value(http::Counter::WorkerRestarts); }

    FileDescriptor log_file{::memfd_create("log", MFD_CLOEXEC)};
    Log log{log_file.number(), LogLevel::Warn};
    loop::Loop loop;
    http::Counters counters;
    TransformPool pool;
};

struct Case {
    const char* deed;
    const char* code;
    const char* logged;
};

// It does it twice, and is replaced twice; others are not harmed; it is not let in a third time; and the log says why.
void check_contained(House& house, const Case& each) {
    INFO(each.deed);
    const std::uint64_t before = house.replaced();
    CHECK(house.ask(each.deed) == each.code);
    CHECK(house.ask("fine after " + std::string(each.deed)) == "ok");
    CHECK(house.replaced() == before + 1);
    CHECK(house.ask(each.deed) == each.code);
    CHECK(house.ask(each.deed) == "poisoned_source");
    CHECK(house.ask("fine at last, after " + std::string(each.deed)) == "ok");
    CHECK(house.replaced() == before + 2);
    INFO(house.logged());
    CHECK(house.logged().find(each.logged) != std::string::npos);
    CHECK(house.logged().find(each.deed) != std::string::npos);
}

template <std::size_t Count>
void check_all_contained(const std::array<Case, Count>& cases, config::Image limits = {}) {
    House house(std::move(limits));
    REQUIRE(house.ask("fine") == "ok");
    const std::size_t descriptors = open_descriptors();
    const std::uint64_t resident = resident_bytes();
    for (const Case& each : cases) check_contained(house, each);
    run_until(house.loop, [&] { return open_descriptors() <= descriptors; });
    if (!kSanitized) CHECK(resident_bytes() < resident + (8 << 20));
}

constexpr const char* kBySandbox = "killed by its sandbox";

}  // namespace

TEST_CASE("a worker may do what decoders need") {
    House house;
    CHECK(house.ask("fine") == "ok");
    CHECK(house.ask("thread") == "ok");
    CHECK(house.replaced() == 0);
}

TEST_CASE("a worker that breaks down costs its own job only, and a source that breaks two is refused") {  // image-urls §1.7
    check_all_contained(std::to_array<Case>({
        {"segfault", "worker_crashed", kSanitized ? "ended" : "signal 11"},
        {"stop", "worker_crashed", "ended with status 0"},
        {"hang_up", "worker_crashed", "closed its socket"},
    }));
}

TEST_CASE("a worker that takes memory without end is stopped by its own limit, not by the machine's") {
    if (kSanitized) return;  // no limit there
    config::Image limits;
    limits.worker_memory = 128 << 20;
    check_all_contained(std::to_array<Case>({{"allocate", "worker_crashed", "signal 6"}}), limits);
}

TEST_CASE("a worker that never ends is ended, by the time it has used or by the clock") {
    config::Image limits;
    limits.worker_cpu = std::chrono::seconds(0);  // and what is missing to the next whole second of the process
    check_all_contained(std::to_array<Case>({{"loop", "processing_timeout", "CPU time"}}), limits);
    limits.process_timeout = std::chrono::milliseconds(300);
    House house(limits);
    CHECK(house.ask("sleep") == "processing_timeout");
    CHECK(house.ask("sleep") == "processing_timeout");
    CHECK(house.ask("sleep") == "poisoned_source");
    CHECK(house.logged().find("no result after 300 ms at sleep") != std::string::npos);
}

TEST_CASE("a worker cannot open a file or a socket, start or look at a process, or make code: it is killed when it tries") {
    if (kSanitized) return;  // no filter there
    check_all_contained(std::to_array<Case>({
        {"open_file", "worker_crashed", kBySandbox},
        {"make_file", "worker_crashed", kBySandbox},
        {"remove_file", "worker_crashed", kBySandbox},
        {"open_socket", "worker_crashed", kBySandbox},
        {"open_local_socket", "worker_crashed", kBySandbox},
        {"exec", "worker_crashed", kBySandbox},
        {"fork", "worker_crashed", kBySandbox},
        {"trace", "worker_crashed", kBySandbox},
        {"signal_server", "worker_crashed", kBySandbox},
        {"make_code", "worker_crashed", kBySandbox},
        {"change_code", "worker_crashed", kBySandbox},
        {"raise_limit", "worker_crashed", kBySandbox},
    }));
    CHECK_FALSE(std::filesystem::exists("/tmp/left-behind"));
}

TEST_CASE("what a worker says is not believed") {
    check_all_contained(std::to_array<Case>({
        {"short_output", "worker_crashed", "of another size"},
        {"oversized_claim", "worker_crashed", "made 1099511627776 bytes"},
        {"oversized_output", "worker_crashed", "made 268435456 bytes"},
        {"unsealed_output", "worker_crashed", "not sealed"},
        {"no_output", "worker_crashed", "not sealed"},
        {"no_memory", "worker_crashed", "not sealed"},
        {"other_order", "worker_crashed", "answered what was not asked"},
        {"other_job", "worker_crashed", "answered what was not asked"},
        {"other_format", "worker_crashed", "another format"},
        {"hello_again", "worker_crashed", "no answer"},
        {"garbage", "worker_crashed", "no answer"},
        {"silence", "worker_crashed", "closed its socket"},
    }));
}

TEST_CASE("an answer too many ends the worker, and is blamed on the source before, not on the one after") {
    House house;
    CHECK(house.ask("two_answers") == "ok");
    run_until(house.loop, [&] { return house.replaced() == 1; });
    CHECK(house.logged().find("answered twice") != std::string::npos);
    CHECK(house.all({"two_answers", "fine"}) == "ok ok");
    run_until(house.loop, [&] { return house.replaced() == 2; });
    CHECK(house.ask("two_answers") == "poisoned_source");
    CHECK(house.ask("fine") == "ok");
}

TEST_CASE("a source that waits while it costs a second worker is refused then") {
    House house;
    CHECK(house.all({"segfault", "segfault", "segfault", "fine"}) == "worker_crashed worker_crashed poisoned_source ok");
    CHECK(house.replaced() == 2);
    CHECK(house.counters.value(http::Counter::SourcesPoisoned) == 1);
}

TEST_CASE("what a worker may take has an end: outputs and descriptors") {
    House house;
    const auto refused = [&](std::string_view source) {
        CHECK(house.ask(source).empty());  // an error of the worker's own, without a code
    };
    refused("endless_output");
    refused("endless_descriptors");
    CHECK(house.ask("fine") == "ok");
    CHECK(house.replaced() == 0);
}
