#include "references.h"

#include <algorithm>
#include <iterator>

namespace selvage::bench {

bool Lru::ask(const Request& request) {
    if (const auto found = index_.find(request.object); found != index_.end()) {
        order_.splice(order_.begin(), order_, found->second);
        return true;
    }
    if (request.bytes > limit_) return false;
    while (used_ + request.bytes > limit_) {
        used_ -= order_.back().bytes;
        index_.erase(order_.back().object);
        order_.pop_back();
    }
    order_.push_front(request);
    index_[request.object] = order_.begin();
    used_ += request.bytes;
    return false;
}

bool S3Fifo::ask(const Request& request) {
    if (const auto found = index_.find(request.object); found != index_.end()) {
        auto& hits = found->second->hits;
        hits = static_cast<std::uint8_t>(std::min(hits + 1, 3));
        return true;
    }
    if (request.bytes > limit_) return false;
    while (small_bytes_ + main_bytes_ + request.bytes > limit_) evict();
    const auto ghost = ghosts_.find(request.object);
    const bool known = ghost != ghosts_.end();
    if (known) {
        ghost_order_.erase(ghost->second);
        ghosts_.erase(ghost);
    }
    auto& queue = known ? main_ : small_;
    (known ? main_bytes_ : small_bytes_) += request.bytes;
    queue.push_front({.request = request});
    index_[request.object] = queue.begin();
    return false;
}

void S3Fifo::evict() {
    if (small_bytes_ >= small_limit_ || main_.empty()) {
        if (!small_.empty()) return evict_small();
    }
    evict_main();
}

void S3Fifo::evict_small() {
    const auto last = std::prev(small_.end());
    const auto bytes = last->request.bytes;
    small_bytes_ -= bytes;
    if (last->hits > 1) {
        last->hits = 0;
        main_bytes_ += bytes;
        main_.splice(main_.begin(), small_, last);
        return;
    }
    remember(last->request.object);
    index_.erase(last->request.object);
    small_.erase(last);
}

void S3Fifo::evict_main() {
    const auto last = std::prev(main_.end());
    if (last->hits > 0) {
        --last->hits;
        main_.splice(main_.begin(), main_, last);
        return;
    }
    main_bytes_ -= last->request.bytes;
    index_.erase(last->request.object);
    main_.erase(last);
}

void S3Fifo::remember(std::uint64_t object) {
    ghost_order_.push_front(object);
    ghosts_[object] = ghost_order_.begin();
    while (ghosts_.size() > std::max<std::size_t>(main_.size(), 100)) {
        ghosts_.erase(ghost_order_.back());
        ghost_order_.pop_back();
    }
}

}  // namespace selvage::bench
