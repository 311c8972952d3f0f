#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address_hash.h"
#include "base/ip_address.h"
#include "base/time.h"
#include "config/config.h"
#include "server/http/session.h"
#include "server/loop/deferred.h"

namespace selvage::net {

// How many connections each client has and how fast it makes new ones (protocol-and-limits §3). A client is what client_of()
// says: an IPv4 address or an IPv6 /64. Thread-safe: one table for all loops, asked when a connection begins and told when it
// ends.
//
// Both take O(1). A client is remembered while it has connections or its bucket is not full, which is a second at most; of those
// without connections 65,536 are kept, and the one that left first is forgotten early: its bucket counts as full again. So the
// memory is that of the open connections and 7 MiB, whoever comes. Where a client's entry lies depends on a secret of the
// process.
class AddressTable {
    struct Client;

public:
    // A place in the count of a client; dropping it gives it back. Empty for who is not counted. Outlived by the table.
    class Place {
    public:
        Place() = default;
        Place(Place&& other) noexcept : table_(std::exchange(other.table_, nullptr)), client_(other.client_) {}
        Place& operator=(Place&& other) noexcept {
            std::swap(table_, other.table_);
            std::swap(client_, other.client_);
            return *this;
        }
        ~Place() {
            if (table_ != nullptr) table_->leave(*client_);
        }

    private:
        friend class AddressTable;
        Place(AddressTable& table, Client& client) : table_(&table), client_(&client) {}
        AddressTable* table_ = nullptr;
        Client* client_ = nullptr;
    };

    static constexpr std::size_t kMostWithout = 65'536;  // clients without connections

    explicit AddressTable(const config::Limits& limits);
    ~AddressTable();
    AddressTable(const AddressTable&) = delete;
    AddressTable& operator=(const AddressTable&) = delete;

    // For connections that come later; those that are there keep their places.
    void set_limits(const config::Limits& limits);

    // A place for one more connection, or which limit it would break. What is refused does not count as new.
    std::expected<Place, http::LimitHit> admit(const IpAddress& address, SteadyTime now);

    std::size_t clients() const;  // remembered

private:
    // In the ring of those who have left while it has no connection, the earliest first.
    struct Client : loop::Ring {
        IpAddress address;
        unsigned open = 0;
        SteadyTime full_at;  // when its bucket is full again
    };

    bool is_exempt(const IpAddress& address) const;
    bool take_token(Client& client, SteadyTime now) const;
    void leave(Client& client);
    void forget_some(SteadyTime now);
    void forget(Client& client);

    mutable std::mutex mutex_;
    unsigned most_open_ = 0;
    unsigned rate_ = 0;
    std::vector<Network> exempt_;
    std::unordered_map<IpAddress, Client, AddressHash> clients_;
    loop::Ring left_;
    std::size_t without_ = 0;  // in that ring
};

}  // namespace selvage::net
