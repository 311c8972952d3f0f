#include <catch2/catch.hpp>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cache_store/torture/run.h"
#include "tests/cache_store/torture/shared_events.h"

using namespace selvage;
using namespace selvage::torture;

// The real thing: a process that writes into real files and is killed.

namespace {

constexpr auto kBetweenLives = std::chrono::hours(1);  // so that a life's clock is never behind the one before

void live_until_killed(const Ground& ground, const Model& model, SharedEvents& events, std::uint64_t seed, int life) {
    Trial trial(ground.path(), {}, Dice(seed));
    trial.model = model;
    trial.model.witness = [&](const Event& event) { events.tell(event); };
    trial.advance(life * kBetweenLives);
    while (events.count() + 1000 < SharedEvents::kMost) {
        trial.open(cache_store::real_file_system());
        const auto steps = 50 + trial.dice().roll(300);
        for (std::uint64_t step = 0; step < steps; ++step) trial.step();
        trial.close(true);
    }
    for (;;) ::pause();
}

// The child is killed when it has done so much.
void wait_for(const SharedEvents& events, std::size_t enough, pid_t child) {
    int status = 0;
    while (events.count() < enough) {
        ::sched_yield();
        if (::waitpid(child, &status, WNOHANG) == child) throw std::runtime_error("the child ended by itself");
    }
}

void one_life(const Ground& ground, Model& model, Dice& dice, int life) {
    SharedEvents events;
    const auto enough = 1 + dice.roll(600);
    const auto seed = dice.roll(UINT64_MAX);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        try {
            live_until_killed(ground, model, events, seed, life);
        } catch (...) {
        }
        ::_exit(1);
    }
    wait_for(events, enough, child);
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    events.replay_to(model);
    model.apply({.kind = Event::Kind::Crashed});
}

}  // namespace

TEST_CASE("what a killed process left is served right by the next", "[torture]") {
    const Ground ground;
    Dice dice(first_seed());
    Model model;
    std::uint64_t hits = 0;
    const auto kills = static_cast<int>(rounds(10));
    for (int life = 0; life < kills; ++life) {
        one_life(ground, model, dice, life);
        Trial trial(ground.path(), {}, dice.fork());
        trial.model = model;
        trial.advance((life + 1) * kBetweenLives);
        trial.open(cache_store::real_file_system());
        trial.read_all();
        trial.work_off();
        trial.read_all();
        trial.close(true);
        model = trial.model;
        hits += trial.hits;
        INFO("SELVAGE_TORTURE_SEED=" << first_seed() << ", life " << life << ": " << told(trial));
        CHECK(trial.wrong.empty());
    }
    CHECK(hits > rounds(10));
}
