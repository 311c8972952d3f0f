#pragma once

#include <cstdint>

#include "clock.h"
#include "objects.h"

// A cache on a disk, as the stages use it: ours, and a file per object.
namespace selvage::bench {

class Contender {
public:
    virtual ~Contender() = default;

    virtual std::uint64_t birth() const { return 0; }  // of what is put now
    virtual void put(const Key128& key, const cache_store::ObjectPtr& object) = 0;
    // What is to be done behind the puts, elsewhere: writing, evicting. Its CPU is counted apart, too.
    virtual void settle() = 0;

    // A body as it is read from the disk. Empty: a miss.
    struct Read {
        std::shared_ptr<const void> owner;
        std::string_view body;
    };
    virtual Read read(const Key128& key) = 0;
    // The same, however long the disk takes.
    virtual Read read_waiting(const Key128& key) { return read(key); }
    // How many objects had to go.
    virtual std::uint64_t evicted() const = 0;
    // Evicts until no more than this is on the disk.
    virtual void shrink(std::uint64_t bytes) = 0;

    const Spent& settling() const { return settling_; }

protected:
    Spent settling_;
};

}  // namespace selvage::bench
