#include "cache_store/warm_up.h"

#include <utility>

namespace selvage::cache_store {

void WarmUp::begin(std::vector<Key128> keys) {
    keys_ = std::move(keys);
    next_ = 0;
    listed_ = keys_.size();
    loaded_ = missing_ = 0;
}

bool WarmUp::step(const std::function<SteadyTime()>& now, const std::function<Loaded(const Key128&)>& load) {
    if (done()) return false;
    const SteadyTime until = now() + kSlice;
    while (!done()) {
        switch (load(keys_[next_])) {
            case Loaded::Yes:
                ++loaded_;
                break;
            case Loaded::Missing:
                ++missing_;
                break;
            case Loaded::Full:
                next_ = keys_.size() - 1;  // the rest is less hot than what is here
                break;
        }
        ++next_;
        if (now() >= until) break;
    }
    if (!done()) return false;
    keys_ = {};
    next_ = 0;
    return true;
}

}  // namespace selvage::cache_store
