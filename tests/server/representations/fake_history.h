#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/releases/history.h"

namespace selvage::testing {

// What a test says that a root has had.
class FakeHistory final : public releases::History {
public:
    std::uint64_t changes() const override { return changes_; }
    std::optional<releases::Seen> removed(std::string_view) const override { return std::nullopt; }
    std::optional<releases::Seen> pages_dictionary() const override { return std::nullopt; }
    std::optional<releases::Offer> offer_of(std::string_view path, const Sha256& content) const override {
        ++offers_asked;
        const auto place = offers.find(std::string(path));
        if (place == offers.end()) return std::nullopt;
        return releases::Offer{.match = place->second, .destination = "script", .id = hex(content).substr(0, 16)};
    }
    std::optional<std::uint64_t> size_of(const Sha256& content) const override {
        const auto place = contents.find(content);
        return place != contents.end() ? std::optional(place->second->size()) : std::nullopt;
    }
    std::vector<Sha256> before(std::string_view path, const Sha256& content) const override {
        const auto place = lineages.find(std::string(path));
        if (place == lineages.end()) return {};
        std::vector<Sha256> result = place->second;
        std::erase(result, content);
        return result;
    }
    Result<BlobPtr> read(const Sha256& content) const override {
        ++reads;
        const auto place = contents.find(content);
        if (place == contents.end() || unreadable) return fail(ErrorKind::NotFound, "not kept");
        return place->second;
    }
    http::OpenFilePtr open(const Sha256&) const override { return nullptr; }
    void on_release(OnRelease) override {}

    Sha256 keep(std::string content) {
        const Sha256 hash = sha256(content);
        contents[hash] = make_blob(std::move(content));
        return hash;
    }
    void offer(std::string path, std::string match) {
        offers[std::move(path)] = std::move(match);
        ++changes_;
    }

    std::map<Sha256, BlobPtr> contents;
    std::map<std::string, std::string> offers;            // by path: the pattern
    std::map<std::string, std::vector<Sha256>> lineages;  // by path: newest first
    bool unreadable = false;                              // what it says that it has
    mutable std::atomic<int> reads = 0, offers_asked = 0;

private:
    std::atomic<std::uint64_t> changes_ = 1;
};

}  // namespace selvage::testing
