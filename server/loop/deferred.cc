#include "server/loop/deferred.h"

#include "server/loop/loop.h"

namespace selvage::loop {

void Ring::join_before(Ring& other) {
    next = &other;
    previous = other.previous;
    previous->next = other.previous = this;
}

void Ring::leave() {
    if (!next) return;
    next->previous = previous;
    previous->next = next;
    next = previous = nullptr;
}

void Deferred::call_soon(Loop& loop) {
    if (!next) loop.deferred().append(*this);
}

void DeferredList::call_all() {
    if (empty()) return;
    Ring now;  // whoever is dropped meanwhile takes itself out of it
    now.join_before(head_);
    head_.leave();
    head_.next = head_.previous = &head_;
    while (now.next != &now) {
        auto& first = static_cast<Deferred&>(*now.next);
        first.leave();
        first.on_turn();
    }
}

}  // namespace selvage::loop
