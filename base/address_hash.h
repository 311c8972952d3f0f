#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ip_address.h"

namespace selvage {

// Where an address lies in a hash table depends on a secret of its own: nobody can choose addresses that lie together.
class AddressHash {
public:
    AddressHash();  // with a new secret
    std::size_t operator()(const IpAddress& address) const;

private:
    std::array<std::uint64_t, 2> secret_;
};

}  // namespace selvage
