#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address_hash.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "config/config.h"

namespace selvage::representations {

// How many image variants each client has had made of late (image-urls §3): a bucket of `image.client_misses_burst` that fills
// with `image.client_misses` per second. What is stored costs nothing. A client is what client_of() says, seen through a
// balancer's PROXY header; whom limits.address_exempt names is not counted.
//
// Thread-safe: one table for all loops, O(1). A client is remembered while its bucket is not full; of more than 65,536 the one
// that was first to be remembered is forgotten early: its bucket counts as full.
class ClientMisses {
public:
    static constexpr std::size_t kMost = 65'536;

    ClientMisses();

    void set_limits(const config::Image& image, const config::Limits& limits);

    // May this client have one more made? It is taken from its bucket. `peer`: its address as text; one that is none may.
    bool take(std::string_view peer, SteadyTime now);
    // Might it? Nothing is taken.
    bool has_one(std::string_view peer, SteadyTime now) const;

    std::size_t clients() const;  // remembered

private:
    struct Client {
        SteadyTime full_at;  // when its bucket is full again
        std::list<IpAddress>::iterator place;
    };
    using Clients = std::unordered_map<IpAddress, Client, AddressHash>;

    bool is_counted(const IpAddress& address) const;
    SteadyTime full_after(const Client* client, SteadyTime now) const;
    void forget_some(SteadyTime now);

    mutable std::mutex mutex_;
    std::chrono::nanoseconds apart_{0};  // one miss from the next, in the long run; 0: no limit
    std::chrono::nanoseconds depth_{0};  // of a bucket: the time in which an empty one fills
    std::vector<Network> exempt_;
    Clients clients_;
    std::list<IpAddress> order_;  // as they came
};

}  // namespace selvage::representations
