#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace selvage::testing {

// What the calling thread asks of the allocator, through every library: malloc, calloc, realloc, and what operator new is made
// of. Other threads are not counted. One of these counts at a time.
class Allocations {
public:
    template <typename Act>
    void during(Act act) {
        begin();
        act();
        end();
    }

    std::size_t count() const { return count_; }
    std::size_t within(std::string_view library) const;  // those that a function of this library is among the callers of
    // How often from where: the calls that led to each, the innermost first. Empty when there was none.
    std::string report() const;
    void forget();

private:
    static void begin();
    void end();

    std::size_t count_ = 0;
};

}  // namespace selvage::testing
