#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cache_store/disk/inspection.h"
#include "cache_store/store.h"

namespace selvage::server {

// A cache folder as a store that says what it has and takes nothing: for `selvage explain`, beside a running server or without
// one. Of what a running server has in memory alone nothing is known.
//
// What it finds has a body of the right size and nothing in it: who explains asks how large something is, not what it says.
class ReadStore final : public cache_store::Store {
public:
    // A folder without a store, or one that cannot be read, is an empty store; problem() says which.
    explicit ReadStore(const std::string& folder);
    ~ReadStore() override;

    const std::string& problem() const { return problem_; }
    bool running() const { return inspection_ && inspection_->running; }
    // All that was made of a content, in no order.
    std::vector<cache_store::InspectedObject> made_of(const Sha256& content) const;

    cache_store::Found find(const Key128&, const cache_store::Floor&) override { return {}; }
    bool on_disk(const Key128& key) const override;
    cache_store::Found fetch_now(const Key128& key, const cache_store::Floor& floor) override { return fetch(key, floor); }
    cache_store::Found fetch(const Key128& key, const cache_store::Floor& floor) override;
    std::shared_ptr<cache_store::StoredBody> open(const Key128&, const cache_store::Floor&) override { return nullptr; }

    cache_store::NotStored put(const Key128&, cache_store::ObjectPtr, cache_store::Keep) override {
        return cache_store::NotStored::DiskOff;
    }
    bool refresh(const Key128&, const cache_store::Lifetimes&) override { return false; }
    void erase(const Key128&) override {}

    std::uint64_t sequence() const override { return inspection_ ? inspection_->purge_sequence : 0; }
    cache_store::Floor floor_of(std::span<const cache_store::Tag> tags, std::string_view site_and_path) const override;
    Result<std::uint64_t> purge(const cache_store::Purge&) override;

    bool work_waits() const override { return false; }
    void work() override {}
    void on_work(std::function<void()>) override {}
    void set_limits(const cache_store::Limits&) override {}
    void release() override {}
    bool reclaim() override { return false; }
    void close() override {}
    cache_store::Stats stats() const override { return {}; }

private:
    std::optional<cache_store::Inspection> inspection_;
    std::optional<cache_store::CurrentRecords> current_;
    std::string problem_;
};

}  // namespace selvage::server
