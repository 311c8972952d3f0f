#include "cache_store/disk/admission.h"

#include <algorithm>
#include <chrono>

#include "cache_store/memory/key_hash.h"

namespace selvage::cache_store {
namespace {

constexpr std::uint16_t kSeen = 1;

}  // namespace

Admission::Admission(std::uint64_t bytes_per_second, std::size_t remembered)
    : seen_(remembered / 2), rate_(static_cast<double>(bytes_per_second)), tokens_(rate_ * kBurst) {}

Admission::Reason Admission::on_put(const Key128& key, std::uint32_t cost_ms, std::uint64_t bytes, bool filling, SteadyTime now) {
    const auto hash = hash_of(key);
    const std::lock_guard lock(mutex_);
    const bool again = seen_.recall(hash) != 0;
    seen_.remember(hash, kSeen);  // whatever is decided: it may be over budget today and come again tomorrow
    if (cost_ms >= kCostly) return spend(Reason::Costly, bytes, now);
    if (again) return spend(Reason::SeenAgain, bytes, now);
    if (filling) return spend(Reason::FirstFill, bytes, now);
    count(Reason::NotYet);
    return Reason::NotYet;
}

Admission::Reason Admission::on_evicted(const Key128&, std::uint32_t hits, std::uint64_t bytes, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (hits > 0) return spend(Reason::HitInMemory, bytes, now);
    count(Reason::NeverHit);
    return Reason::NeverHit;
}

void Admission::set_rate(std::uint64_t bytes_per_second) {
    const std::lock_guard lock(mutex_);
    if (rate_ == 0) refilled_.reset();  // nothing was counted
    rate_ = static_cast<double>(bytes_per_second);
    tokens_ = std::min(tokens_, rate_ * kBurst);
    if (!refilled_) tokens_ = rate_ * kBurst;
}

AdmissionStats Admission::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

Admission::Reason Admission::spend(Reason reason, std::uint64_t bytes, SteadyTime now) {
    if (!affordable(bytes, now)) reason = Reason::OverBudget;
    count(reason);
    return reason;
}

void Admission::count(Reason reason) {
    switch (reason) {
        case Reason::FirstFill:
            ++stats_.first_fill;
            return;
        case Reason::Costly:
            ++stats_.costly;
            return;
        case Reason::SeenAgain:
            ++stats_.seen_again;
            return;
        case Reason::HitInMemory:
            ++stats_.hit_in_memory;
            return;
        case Reason::NotYet:
            ++stats_.not_yet;
            return;
        case Reason::NeverHit:
            ++stats_.never_hit;
            return;
        case Reason::OverBudget:
            ++stats_.over_budget;
            return;
    }
}

// A bucket that may go into debt: what is larger than all of it is written once it is not empty, and paid for afterwards.
bool Admission::affordable(std::uint64_t bytes, SteadyTime now) {
    if (rate_ == 0) return true;
    const auto before = refilled_.value_or(now);
    refilled_ = std::max(now, before);
    tokens_ += std::chrono::duration<double>(*refilled_ - before).count() * rate_;
    tokens_ = std::min(tokens_, rate_ * kBurst);
    if (tokens_ <= 0) return false;
    tokens_ -= static_cast<double>(bytes);
    return true;
}

}  // namespace selvage::cache_store
