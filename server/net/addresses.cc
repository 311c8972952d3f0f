#include "server/net/addresses.h"

#include <algorithm>

namespace selvage::net {

namespace {

constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds(1);

}  // namespace

AddressTable::AddressTable(const config::Limits& limits) {
    left_.next = left_.previous = &left_;
    set_limits(limits);
}

AddressTable::~AddressTable() = default;

void AddressTable::set_limits(const config::Limits& limits) {
    const std::scoped_lock lock(mutex_);
    most_open_ = limits.address_connections;
    rate_ = limits.address_rate;
    exempt_ = limits.address_exempt;
}

std::expected<AddressTable::Place, http::LimitHit> AddressTable::admit(const IpAddress& address, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    forget_some(now);
    if (is_exempt(address)) return Place();
    const IpAddress key = client_of(address);
    Client& client = clients_.try_emplace(key).first->second;
    if (most_open_ != 0 && client.open >= most_open_) return std::unexpected(http::LimitHit::AddressConnections);
    if (!take_token(client, now)) return std::unexpected(http::LimitHit::AddressRate);
    client.address = key;
    if (client.next != nullptr) {
        client.leave();
        --without_;
    }
    ++client.open;
    return Place(*this, client);
}

bool AddressTable::is_exempt(const IpAddress& address) const {
    return std::ranges::any_of(exempt_, [&](const Network& network) { return network.contains(address); });
}

// A bucket of a second's worth, as the time when it will be full: each token taken puts that off. A new client's was full in
// 1970.
bool AddressTable::take_token(Client& client, SteadyTime now) const {
    if (rate_ == 0) return true;
    const auto full_at = std::max(client.full_at, now) + kSecond / rate_;
    if (full_at > now + kSecond) return false;
    client.full_at = full_at;
    return true;
}

void AddressTable::leave(Client& client) {
    const std::scoped_lock lock(mutex_);
    if (--client.open > 0) return;
    client.join_before(left_);
    if (++without_ > kMostWithout) forget(static_cast<Client&>(*left_.next));
}

// Two for each that comes: so it is never long behind.
void AddressTable::forget_some(SteadyTime now) {
    for (int i = 0; i < 2 && left_.next != &left_; ++i) {
        auto& client = static_cast<Client&>(*left_.next);
        if (client.full_at > now) return;
        forget(client);
    }
}

void AddressTable::forget(Client& client) {
    client.leave();
    --without_;
    clients_.erase(IpAddress(client.address));
}

std::size_t AddressTable::clients() const {
    const std::scoped_lock lock(mutex_);
    return clients_.size();
}

}  // namespace selvage::net
