#pragma once

#include <memory>
#include <string>

#include "cache_store/two_tiers.h"
#include "contender.h"
#include "counted_files.h"

namespace selvage::bench {

// Our store, with a file system that counts.
class SelvageStore final : public Contender {
public:
    SelvageStore(const std::string& folder, std::uint64_t disk_bytes, std::uint64_t memory_bytes);
    ~SelvageStore() override { store_->close(); }

    std::uint64_t birth() const override { return store_->sequence(); }
    void put(const Key128& key, const cache_store::ObjectPtr& object) override;
    void settle() override;
    Read read(const Key128& key) override;  // fetch_now(): promoted, when there is memory; a miss what is not in the page cache
    Read read_waiting(const Key128& key) override;  // fetch()
    std::uint64_t evicted() const override { return store_->stats().disk.evictions; }
    void shrink(std::uint64_t bytes) override;

    void set_memory(std::uint64_t bytes);  // empties it
    Read find(const Key128& key) const;    // memory alone
    cache_store::Store& store() const { return *store_; }
    CountedFiles::Counts counts() const { return files_.counts(); }
    std::uint64_t refused() const { return refused_; }

private:
    CountedFiles files_;
    Log log_{2, LogLevel::Warn};
    cache_store::Limits limits_;
    std::unique_ptr<cache_store::Store> store_;
    std::uint64_t refused_ = 0;
};

}  // namespace selvage::bench
