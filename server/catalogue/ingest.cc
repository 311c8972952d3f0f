#include "server/catalogue/ingest.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace selvage::catalogue {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// 1 KiB of the kernel's memory each. What is beyond is walked from time to time.
constexpr std::size_t kMostWatches = 16'384;
constexpr milliseconds kSlice{20};  // of work, between two looks for news
constexpr milliseconds kBetweenNews{100};
constexpr std::chrono::hours kLongestIdle{1};
constexpr int kLeastUrgent = 19;

nanoseconds processor_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

}  // namespace

Ingest::Ingest(Log& log, Pace pace)
    : log_(log), pace_(pace), bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), watches_(kMostWatches), budget_(pace.burst) {
    thread_ = std::thread([this] { run(); });
}

Ingest::~Ingest() { stop(); }

void Ingest::stop() {
    stopping_.store(true);
    ::eventfd_write(bell_.number(), 1);
    if (thread_.joinable()) thread_.join();
}

void Ingest::set_roots(std::vector<WalkedRoot> roots) {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = std::make_unique<std::vector<WalkedRoot>>(std::move(roots));
    }
    ::eventfd_write(bell_.number(), 1);
}

void Ingest::run() {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kLeastUrgent);
    SteadyTime until{};
    while (!stopping_.load()) {
        wait(until);
        const SteadyTime now = std::chrono::steady_clock::now();
        take_roots(now);
        until = within_budget(now);
        if (until > now) continue;
        drain(now);
        until = SteadyTime::max();
        for (auto& [tree, turn] : turns_) until = std::min(until, serve(turn, now));
    }
    turns_.clear();
}

void Ingest::wait(SteadyTime until) {
    const auto poll_until = [this](SteadyTime time, nfds_t count) {
        const auto left = std::chrono::ceil<milliseconds>(time - std::chrono::steady_clock::now());
        const auto timeout = time == SteadyTime::max() ? -1 : std::clamp<std::int64_t>(left.count(), 0, 3'600'000);
        std::array<pollfd, 2> news{{{.fd = bell_.number(), .events = POLLIN, .revents = 0},
                                    {.fd = watches_.descriptor(), .events = POLLIN, .revents = 0}}};
        return ::poll(news.data(), count, static_cast<int>(timeout)) > 0;
    };
    // A folder that changes all the time wakes us ten times a second, and not at all when the budget is used up.
    const SteadyTime listen = std::max(drained_ + kBetweenNews, over_budget_ ? until : SteadyTime{});
    if (!poll_until(std::min(until, listen), 1) && listen < until) poll_until(until, 2);
    eventfd_t rings = 0;
    ::eventfd_read(bell_.number(), &rings);
}

// Now, or when the thread has earned another slice of its share.
SteadyTime Ingest::within_budget(SteadyTime now) {
    const nanoseconds used = processor_time();
    const auto earned = std::chrono::duration<double, std::nano>(std::min<SteadyTime::duration>(now - budgeted_, kLongestIdle));
    budget_ += std::chrono::duration_cast<nanoseconds>(earned * pace_.share);
    budget_ = std::min<nanoseconds>(budget_, pace_.burst) - (used - used_);
    used_ = used;
    budgeted_ = now;
    over_budget_ = budget_.count() <= 0;
    if (!over_budget_) return now;
    const auto missing = std::chrono::duration<double, std::nano>(kSlice - budget_) / pace_.share;
    return now + std::chrono::duration_cast<SteadyTime::duration>(missing);
}

void Ingest::take_roots(SteadyTime now) {
    std::unique_ptr<std::vector<WalkedRoot>> wanted;
    {
        const std::lock_guard lock(mutex_);
        wanted = std::move(wanted_);
    }
    if (!wanted) return;
    const auto is = [](const WalkedRoot& root) {
        return [&root](const WalkedRoot& other) { return root.catalogue == other.catalogue; };
    };
    std::erase_if(turns_, [&](const auto& entry) { return std::ranges::none_of(*wanted, is(entry.second.walk->root())); });
    for (WalkedRoot& root : *wanted) {
        const auto known = std::ranges::find_if(turns_, [&](const auto& entry) { return is(root)(entry.second.walk->root()); });
        Turn& turn = known != turns_.end() ? known->second : turns_[next_tree_];
        if (turn.walk) {
            turn.walk->set_root(std::move(root));
        } else {
            turn.walk = std::make_unique<Walk>(next_tree_++, std::move(root), watches_, log_);
            turn.follow = now + pace_.root;
            turn.prune = now + pace_.prune;
        }
        note_change(turn, now - pace_.quiet);  // what is there at the start needs no waiting
    }
}

void Ingest::note_change(Turn& turn, SteadyTime when) {
    if (!std::exchange(turn.uncommitted, true)) turn.first_change = when;
    turn.last_change = std::max(turn.last_change, when);
}

void Ingest::drain(SteadyTime now) {
    drained_ = now;
    watches_.drain(
        [&](std::size_t tree, const std::string& directory) {
            const auto turn = turns_.find(tree);
            if (turn == turns_.end()) return;
            note_change(turn->second, now);
            turn->second.walk->note(directory);
        },
        [&] {
            for (auto& [tree, turn] : turns_) {
                note_change(turn, now);
                turn.walk->note_everything();
            }
        });
}

SteadyTime Ingest::due(const Turn& turn) const {
    return std::min(turn.last_change + pace_.quiet, turn.first_change + pace_.longest);
}

// Returns when it is its turn again.
SteadyTime Ingest::serve(Turn& turn, SteadyTime now) {
    Walk& walk = *turn.walk;
    note_what_is_due(turn, now);
    if (!walk.walking() && walk.noted() && now >= due(turn)) walk.begin();
    if (walk.walking()) {
        const SteadyTime end = now + kSlice;
        while (walk.walking() && std::chrono::steady_clock::now() < end && !stopping_.load()) walk.step();
        if (walk.walking()) return now;
        settle(turn, now);
    }
    const SteadyTime next = std::min({turn.follow, turn.prune, turn.look_again, turn.walk_unwatched});
    return walk.noted() ? std::min(next, due(turn)) : next;
}

void Ingest::note_what_is_due(Turn& turn, SteadyTime now) const {
    Walk& walk = *turn.walk;
    if (now >= turn.follow) {
        turn.follow = now + pace_.root;
        if (walk.follow_root()) note_change(turn, now);
    }
    if (now >= turn.prune) {
        turn.prune = now + pace_.prune;
        walk.root().ledger->prune();
    }
    if (now >= turn.look_again) {
        turn.look_again = SteadyTime::max();
        for (const std::string& directory : std::exchange(turn.unfinished, {})) walk.note(directory);
        note_change(turn, now - pace_.quiet);
    }
    if (now >= turn.walk_unwatched) {
        turn.walk_unwatched = SteadyTime::max();
        walk.note_unwatched();
        note_change(turn, now - pace_.quiet);
    }
}

// A walk has ended. If the folder changed meanwhile, or a file in it was being written, what was found is no whole build yet.
void Ingest::settle(Turn& turn, SteadyTime now) {
    Walk& walk = *turn.walk;
    const bool moving = walk.noted() || !walk.unfinished().empty();
    if (!moving || now - turn.first_change >= pace_.longest) {
        // Takes seconds, once a day: the next deploy must not wait a minute until they are earned.
        const nanoseconds before = processor_time();
        walk.make_dictionary();
        used_ += processor_time() - before;
        walk.commit();
        turn.uncommitted = false;
        if (walk.noted()) note_change(turn, now);
    }
    if (!walk.unfinished().empty()) {
        turn.unfinished = walk.unfinished();
        turn.look_again = now + pace_.unfinished;
    }
    if (walk.has_unwatched()) turn.walk_unwatched = now + pace_.unwatched;
}

}  // namespace selvage::catalogue
