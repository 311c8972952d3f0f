#include "server/loop/prompt.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace selvage::loop {

namespace {

// Source: sched_setattr(2), include/uapi/linux/sched/types.h. The C library has none.
struct Attributes {
    std::uint32_t size = sizeof(Attributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;  // ns: how long it runs before it is another's turn
    std::uint64_t deadline = 0, period = 0;
};

constexpr std::uint64_t kTurn = 100'000;  // ns: the shortest that Linux knows

}  // namespace

void be_prompt() {
    Attributes attributes;
    if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0U) != 0) return;
    if (attributes.policy != SCHED_NORMAL) return;  // as somebody has set it
    attributes.size = sizeof attributes;
    attributes.flags |= SCHED_FLAG_RESET_ON_FORK;
    attributes.runtime = kTurn;
    ::syscall(SYS_sched_setattr, 0, &attributes, 0U);
}

}  // namespace selvage::loop
