#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/time.h"
#include "server/catalogue/tree_watches.h"
#include "server/catalogue/walk.h"

namespace selvage::catalogue {

// What is walked how often, and how much of a core it may take. The defaults are the product's.
struct Pace {
    std::chrono::milliseconds quiet{500};         // without a change, before what changed is looked at …
    std::chrono::milliseconds longest{5'000};     // … but not later than this after the first one
    std::chrono::milliseconds unfinished{1'000};  // until a file that was being written is looked at again
    std::chrono::milliseconds unwatched{30'000};  // between walks through directories of which no change is told
    std::chrono::milliseconds root{1'000};        // between looks whether a root is another folder now
    std::chrono::milliseconds prune{60'000};
    double share = 0.05;                     // of a core, in the long run
    std::chrono::milliseconds burst{2'000};  // of processor time, at once
};

// Reads all roots' long-lived files into their ledgers, on one niced thread: at the start, and whenever a folder has stood still
// after a change. So a build is known as a whole, before anything of it is offered, and one that is half there is not a build
// yet.
class Ingest {
public:
    explicit Ingest(Log& log, Pace pace = {});
    ~Ingest();  // waits for the step that is under way
    Ingest(const Ingest&) = delete;
    Ingest& operator=(const Ingest&) = delete;

    // From now on these, by their ledgers; a root that was there before goes on where it was. Any thread.
    void set_roots(std::vector<WalkedRoot> roots);

    void stop();

private:
    // A root, and when it is its turn.
    struct Turn {
        std::unique_ptr<Walk> walk;
        SteadyTime first_change{}, last_change{};  // of those that are not committed yet
        bool uncommitted = false;
        std::set<std::string> unfinished;  // directories to be noted at
        SteadyTime look_again = SteadyTime::max();
        SteadyTime walk_unwatched = SteadyTime::max();
        SteadyTime follow{}, prune{};
    };

    void run();
    void wait(SteadyTime until);
    SteadyTime within_budget(SteadyTime now);
    void take_roots(SteadyTime now);
    void drain(SteadyTime now);
    static void note_change(Turn& turn, SteadyTime when);
    SteadyTime serve(Turn& turn, SteadyTime now);
    void note_what_is_due(Turn& turn, SteadyTime now) const;
    void settle(Turn& turn, SteadyTime now);
    SteadyTime due(const Turn& turn) const;

    Log& log_;
    const Pace pace_;
    FileDescriptor bell_;
    std::atomic<bool> stopping_{false};

    std::mutex mutex_;
    std::unique_ptr<std::vector<WalkedRoot>> wanted_;  // set_roots() has set others

    // The thread's own:
    TreeWatches watches_;
    std::map<std::size_t, Turn> turns_;  // by tree
    std::size_t next_tree_ = 0;
    std::chrono::nanoseconds budget_;
    std::chrono::nanoseconds used_{0};  // processor time of the thread when the budget was last looked at
    SteadyTime budgeted_{};
    bool over_budget_ = false;
    SteadyTime drained_{};

    std::thread thread_;
};

}  // namespace selvage::catalogue
