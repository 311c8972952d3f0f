#include "server/catalogue/overtaken.h"

#include <utility>

namespace selvage::catalogue {
namespace {

constexpr std::chrono::minutes kLife{1};

}  // namespace

void Overtaken::add(const SourcePtr& source, SteadyTime now) {
    if (!source || !source->bytes) return;
    const std::lock_guard lock(mutex_);
    forget_old(now);
    versions_.insert_or_assign(source->path, Version{.source = source, .since = now});
    order_.emplace_back(now, source->path);
}

SourcePtr Overtaken::find(std::string_view path, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    forget_old(now);
    const auto version = versions_.find(path);
    return version == versions_.end() ? nullptr : version->second.source;
}

void Overtaken::forget(std::string_view path) {
    const std::lock_guard lock(mutex_);
    if (const auto version = versions_.find(path); version != versions_.end()) versions_.erase(version);
}

void Overtaken::forget_old(SteadyTime now) {
    while (!order_.empty() && (order_.size() > most_ || now - order_.front().first >= kLife)) {
        const auto& [since, path] = order_.front();
        const auto version = versions_.find(path);
        if (version != versions_.end() && version->second.since == since) versions_.erase(version);
        order_.pop_front();
    }
}

}  // namespace selvage::catalogue
