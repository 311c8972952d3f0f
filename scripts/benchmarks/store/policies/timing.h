#pragma once

// What a hit and a put cost in the memory tier itself, with bodies. CPU time of the thread, in nanoseconds.
namespace selvage::bench {

struct HitTimes {
    double one_thread;   // per hit
    double two_threads;  // per hit, when both ask at the same time, each on a core of its own
    double scaling;      // of hits per second: two over one
};
// 20,000 objects, asked for by Zipf 0.9; the best of some rounds.
HitTimes time_hits();

// A put into a tier that is full: charge, room, insertion, and the evictions that it takes. Not: making the object, freeing what
// left.
double time_put();

}  // namespace selvage::bench
