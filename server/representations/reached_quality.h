#pragma once

#include <cstddef>
#include <initializer_list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/digest.h"
#include "transforms/formats.h"

namespace selvage::representations {

// At which encoder's quality a picture reached its target (`q=auto`): where the search for its other widths begins. One encoding
// and one measurement less for each (image-engine §5). Any thread; asked when something is made, not when it is found.
//
// Two generations: when the newer one is full, the older one goes. So between `most` and half of it are remembered, those that
// were told or asked for last.
class ReachedQuality {
public:
    explicit ReachedQuality(std::size_t most = 10'000) : half_(most / 2) {}

    void remember(const Sha256& content, transforms::Format format, unsigned target, unsigned quality) {
        const std::lock_guard lock(mutex_);
        put(key(content, format, target), quality);
    }

    // 0: not known.
    unsigned recall(const Sha256& content, transforms::Format format, unsigned target) {
        const std::lock_guard lock(mutex_);
        const Key128 asked = key(content, format, target);
        if (const auto found = newer_.find(asked); found != newer_.end()) return found->second;
        const auto found = older_.find(asked);
        if (found == older_.end()) return 0;
        const unsigned quality = found->second;
        put(asked, quality);
        return quality;
    }

private:
    static Key128 key(const Sha256& content, transforms::Format format, unsigned target) {
        const unsigned char both[] = {static_cast<unsigned char>(format), static_cast<unsigned char>(target)};
        return key_of({{reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()},
                       {reinterpret_cast<const char*>(both), sizeof both}});
    }

    void put(const Key128& key, unsigned quality) {
        if (newer_.size() >= half_ && !newer_.contains(key)) older_ = std::exchange(newer_, {});
        newer_[key] = quality;
    }

    const std::size_t half_;
    std::mutex mutex_;
    std::unordered_map<Key128, unsigned> newer_, older_;
};

}  // namespace selvage::representations
