#include "server/explain_store.h"

#include <algorithm>
#include <utility>

namespace selvage::server {

namespace {

using cache_store::Floor;
using cache_store::Found;

}  // namespace

ReadStore::ReadStore(const std::string& folder) {
    auto inspection = cache_store::inspect(folder, cache_store::Depth::Contents);
    if (!inspection) {
        problem_ = inspection.error().kind == ErrorKind::NotFound ? "there is none in " + folder : inspection.error().detail;
        return;
    }
    inspection_ = *std::move(inspection);
    current_.emplace(*inspection_);
}

ReadStore::~ReadStore() = default;

std::vector<cache_store::InspectedObject> ReadStore::made_of(const Sha256& content) const {
    std::vector<cache_store::InspectedObject> found;
    if (!current_) return found;
    const cache_store::Tag tag = cache_store::source_tag(content);
    cache_store::for_each_object(*inspection_, *current_, [&](const cache_store::InspectedObject& object) {
        if (object.parts_missing == 0 && std::ranges::find(object.tags, tag) != object.tags.end()) found.push_back(object);
    });
    return found;
}

bool ReadStore::on_disk(const Key128& key) const { return current_ && current_->object(key) != nullptr; }

Found ReadStore::fetch(const Key128& key, const Floor& floor) {
    if (!on_disk(key)) return {};
    const auto object = cache_store::read_object(*inspection_, *current_, key);
    if (!object || object->parts_missing != 0) return {};
    const Floor all = cache_store::newest(floor, inspection_->floors.of(object->tags, {}));
    if (all.drops(object->header.birth)) return {};
    auto found = std::make_shared<cache_store::Object>();
    found->meta = object->meta;
    found->body = make_blob(std::string(static_cast<std::size_t>(object->header.body_length), '\0'));
    found->cost_ms = object->header.cost_ms;
    found->created = object->header.created;
    found->lifetimes = object->header.lifetimes;
    found->birth = object->header.birth;
    found->tags = object->tags;
    return {.object = std::move(found), .stale = all.makes_stale(object->header.birth)};
}

Floor ReadStore::floor_of(std::span<const cache_store::Tag> tags, std::string_view site_and_path) const {
    return inspection_ ? inspection_->floors.of(tags, site_and_path) : Floor{};
}

Result<std::uint64_t> ReadStore::purge(const cache_store::Purge&) {
    return fail(ErrorKind::Overloaded, "this store is only read");
}

}  // namespace selvage::server
