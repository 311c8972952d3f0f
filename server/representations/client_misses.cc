#include "server/representations/client_misses.h"

#include <algorithm>

namespace selvage::representations {

ClientMisses::ClientMisses() { set_limits({}, {}); }

void ClientMisses::set_limits(const config::Image& image, const config::Limits& limits) {
    const std::scoped_lock lock(mutex_);
    apart_ = image.client_misses == 0 ? std::chrono::nanoseconds(0)
                                      : std::chrono::nanoseconds(std::chrono::seconds(1)) / image.client_misses;
    depth_ = apart_ * image.client_misses_burst;
    exempt_ = limits.address_exempt;
}

// A bucket is the time when it will be full: each one taken puts that off. A new client's was full in 1970.
bool ClientMisses::take(std::string_view peer, SteadyTime now) {
    const auto address = parse_ip_address(peer);
    if (!address) return true;
    const std::scoped_lock lock(mutex_);
    if (!is_counted(*address)) return true;
    forget_some(now);
    const auto [entry, added] = clients_.try_emplace(client_of(*address));
    if (added) entry->second.place = order_.insert(order_.end(), entry->first);
    const SteadyTime full_at = full_after(&entry->second, now);
    if (full_at > now + depth_) return false;
    entry->second.full_at = full_at;
    return true;
}

bool ClientMisses::has_one(std::string_view peer, SteadyTime now) const {
    const auto address = parse_ip_address(peer);
    if (!address) return true;
    const std::scoped_lock lock(mutex_);
    if (!is_counted(*address)) return true;
    const auto entry = clients_.find(client_of(*address));
    return full_after(entry == clients_.end() ? nullptr : &entry->second, now) <= now + depth_;
}

// With one more taken.
SteadyTime ClientMisses::full_after(const Client* client, SteadyTime now) const {
    return std::max(client ? client->full_at : SteadyTime{}, now) + apart_;
}

bool ClientMisses::is_counted(const IpAddress& address) const {
    if (apart_.count() == 0) return false;
    return std::ranges::none_of(exempt_, [&](const Network& network) { return network.contains(address); });
}

// Two for each that comes, so it is never long behind: who is still counted goes to the end of the line.
void ClientMisses::forget_some(SteadyTime now) {
    for (int i = 0; i < 2 && !order_.empty(); ++i) {
        const auto entry = clients_.find(order_.front());
        if (entry->second.full_at > now && clients_.size() < kMost) {
            order_.splice(order_.end(), order_, order_.begin());
        } else {
            clients_.erase(entry);
            order_.pop_front();
        }
    }
}

std::size_t ClientMisses::clients() const {
    const std::scoped_lock lock(mutex_);
    return clients_.size();
}

}  // namespace selvage::representations
