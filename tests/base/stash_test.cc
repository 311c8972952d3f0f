#include "base/stash.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace selvage;

namespace {

struct Cup {
    bool used = false;
    int tidied = 0;
    void tidy_up() { ++tidied; }
};

}  // namespace

SCENARIO("what came back last is lent next, tidied up") {
    Stash<Cup> cups(2);
    const Cup* first = nullptr;
    {
        const auto cup = cups.borrow();
        cup->used = true;
        first = &*cup;
    }
    const auto again = cups.borrow();
    CHECK(&*again == first);
    CHECK(again->used);
    CHECK(again->tidied == 1);
    CHECK_FALSE(cups.borrow()->used);  // another one
}

SCENARIO("no more than so many are kept") {
    Stash<Cup> cups(1);
    {
        const auto one = cups.borrow(), another = cups.borrow();
        one->used = another->used = true;
    }
    const auto kept = cups.borrow(), made = cups.borrow();
    CHECK(kept->used);
    CHECK_FALSE(made->used);
}

SCENARIO("nobody is lent what somebody has") {
    Stash<Cup> cups(4);
    std::vector<std::thread> users;
    std::atomic<int> clashes{0};
    for (int i = 0; i < 4; ++i) {
        users.emplace_back([&] {
            for (int turn = 0; turn < 1'000; ++turn) {
                const auto cup = cups.borrow();
                if (cup->used) ++clashes;
                cup->used = true;
                cup->used = false;
            }
        });
    }
    for (std::thread& user : users) user.join();
    CHECK(clashes == 0);
}
