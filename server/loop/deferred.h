#pragma once

namespace selvage::loop {

class Loop;

// A member of a ring, or its head. In none: both null.
struct Ring {
    Ring* next = nullptr;
    Ring* previous = nullptr;
    void join_before(Ring& other);
    void leave();
};

// A place in a loop's list of what is to be called once more; part of whoever is called, so that asking costs no allocation.
class Deferred : public Ring {
public:
    Deferred() = default;
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;

    // Calls on_turn() once, after the events of this turn, or after those of the next when asked from within on_turn(). Asking
    // again before that changes nothing. On the loop's thread.
    void call_soon(Loop& loop);

    virtual void on_turn() = 0;  // may drop itself

protected:
    ~Deferred() { leave(); }
};

// Those of one loop.
class DeferredList {
public:
    DeferredList() { head_.next = head_.previous = &head_; }
    DeferredList(const DeferredList&) = delete;
    DeferredList& operator=(const DeferredList&) = delete;

    bool empty() const { return head_.next == &head_; }
    void append(Deferred& asked) { asked.join_before(head_); }
    void call_all();  // those in it now; who asks meanwhile is called next time

private:
    Ring head_;
};

}  // namespace selvage::loop
