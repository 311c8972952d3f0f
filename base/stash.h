#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace selvage {

// Things that are dear to make and good for more than one use, each lent to one user at a time: the one that came back last,
// whose memory a core's cache may still have. As many as are used at once, at most `most`, are kept until the process ends.
// Thread-safe.
//
// A Thing has tidy_up(), which is called when it comes back.
template <typename Thing>
class Stash {
public:
    explicit Stash(std::size_t most) : most_(most) {}
    Stash(const Stash&) = delete;
    Stash& operator=(const Stash&) = delete;

    class Loan {
    public:
        Loan(Stash& stash, std::unique_ptr<Thing> thing) : stash_(stash), thing_(std::move(thing)) {}
        ~Loan() { stash_.take_back(std::move(thing_)); }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;

        Thing& operator*() const { return *thing_; }
        Thing* operator->() const { return thing_.get(); }

    private:
        Stash& stash_;
        std::unique_ptr<Thing> thing_;
    };

    Loan borrow() {
        {
            const std::lock_guard lock(mutex_);
            if (!kept_.empty()) {
                auto last = std::move(kept_.back());
                kept_.pop_back();
                return Loan(*this, std::move(last));
            }
        }
        return Loan(*this, std::make_unique<Thing>());
    }

private:
    void take_back(std::unique_ptr<Thing> thing) {
        thing->tidy_up();
        const std::lock_guard lock(mutex_);
        if (kept_.size() < most_) kept_.push_back(std::move(thing));  // else it goes when the lock has
    }

    const std::size_t most_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Thing>> kept_;
};

}  // namespace selvage
