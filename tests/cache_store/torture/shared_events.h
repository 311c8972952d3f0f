#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <vector>

#include "tests/cache_store/torture/model.h"

namespace selvage::torture {

// What a child process has done so far, in memory that outlives it.
class SharedEvents {
public:
    static constexpr std::size_t kMost = 40'000;

    SharedEvents() {
        void* pages = ::mmap(nullptr, sizeof(Pages), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED) throw std::bad_alloc();
        pages_ = new (pages) Pages;
    }
    ~SharedEvents() { ::munmap(pages_, sizeof(Pages)); }
    SharedEvents(const SharedEvents&) = delete;
    SharedEvents& operator=(const SharedEvents&) = delete;

    void tell(const Event& event) {
        const auto at = pages_->count.load();
        if (at == kMost) throw std::runtime_error("more events than there is room for");
        pages_->events[at] = event;
        pages_->count.store(at + 1);
    }
    std::size_t count() const { return pages_->count; }
    void replay_to(Model& model) const {
        for (std::size_t at = 0; at < count(); ++at) model.apply(pages_->events[at]);
    }
    void forget() { pages_->count = 0; }

private:
    struct Pages {
        std::atomic<std::uint64_t> count{0};
        Event events[kMost];
    };
    Pages* pages_;
};

}  // namespace selvage::torture
