// Our store, and a file per object as nginx's proxy_cache has it, at the same work.
//
//     tiers churn|flood|fill|restart|purge CONTENDER FOLDER LIMIT [COUNT]
//
// One stage (stages.h), one contender; prints a JSON object. Everything that is counted runs on one thread, on the last core;
// the watcher of a flood on the others.
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>

#include "stages.h"

namespace {

void stay_on_last_core() {
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return;
    int last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET(last, &cores)) --last;
    CPU_ZERO(&cores);
    CPU_SET(last, &cores);
    sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace

int main(int count, char** words) {
    using namespace selvage::bench;
    const std::map<std::string, std::function<std::string(const Arguments&)>> stages = {
        {"churn", churn}, {"flood", flood}, {"fill", fill}, {"restart", restart}, {"purge", purge}};
    const auto stage = count >= 5 ? stages.find(words[1]) : stages.end();
    if (stage == stages.end()) {
        std::fputs("usage: tiers churn|flood|fill|restart|purge selvage|disk|files FOLDER LIMIT [COUNT]\n", stderr);
        return 2;
    }
    const Arguments arguments{.contender = words[2],
                              .folder = words[3],
                              .limit = std::strtoull(words[4], nullptr, 10),
                              .count = count > 5 ? std::strtoull(words[5], nullptr, 10) : 0};
    // The flood's watcher begins before, so that it is not bound to that core.
    if (stage->first != "flood") stay_on_last_core();
    std::puts(stage->second(arguments).c_str());
}
