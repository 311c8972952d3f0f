#include "selvage_store.h"

namespace selvage::bench {

using namespace cache_store;

SelvageStore::SelvageStore(const std::string& folder, std::uint64_t disk_bytes, std::uint64_t memory_bytes)
    : limits_{.memory_bytes = memory_bytes, .disk_bytes = disk_bytes, .disk_write_rate = 0},
      store_(open_two_tiers(folder, limits_, log_, files_, real_clocks())) {}

void SelvageStore::put(const Key128& key, const ObjectPtr& object) {
    if (store_->put(key, object, Keep::Anywhere) != NotStored::None) ++refused_;
    if (store_->work_waits()) settle();
}

void SelvageStore::settle() {
    const Stopwatch watch;
    store_->work();
    settling_ += watch.spent();
}

namespace {

Contender::Read read_of(Found found) {
    if (!found) return {};
    const auto body = found.object->body->view();
    return {.owner = std::move(found.object), .body = body};
}

}  // namespace

Contender::Read SelvageStore::read(const Key128& key) { return read_of(store_->fetch_now(key, {})); }

Contender::Read SelvageStore::read_waiting(const Key128& key) { return read_of(store_->fetch(key, {})); }

Contender::Read SelvageStore::find(const Key128& key) const { return read_of(store_->find(key, {})); }

void SelvageStore::shrink(std::uint64_t bytes) {
    limits_.disk_bytes = bytes;
    store_->set_limits(limits_);
}

void SelvageStore::set_memory(std::uint64_t bytes) {
    limits_.memory_bytes = 0;
    store_->set_limits(limits_);
    limits_.memory_bytes = bytes;
    store_->set_limits(limits_);
}

}  // namespace selvage::bench
