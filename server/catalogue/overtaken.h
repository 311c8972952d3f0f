#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/time.h"
#include "server/catalogue/catalogue.h"

namespace selvage::catalogue {

// Versions of files that a change has overtaken, for as long as the next one is being written: those alone whose bytes are in
// memory. Bounded by number and by a minute; thread-safe.
class Overtaken {
public:
    explicit Overtaken(std::size_t most) : most_(most) {}

    void add(const SourcePtr& source, SteadyTime now);  // the latest under its path; null, or without bytes: nothing happens
    SourcePtr find(std::string_view path, SteadyTime now);
    void forget(std::string_view path);

private:
    struct Version {
        SourcePtr source;
        SteadyTime since;
    };
    void forget_old(SteadyTime now);  // mutex_ held

    const std::size_t most_;
    std::mutex mutex_;
    std::map<std::string, Version, std::less<>> versions_;
    std::deque<std::pair<SteadyTime, std::string>> order_;
};

}  // namespace selvage::catalogue
