#include "base/address_hash.h"

#include <cstring>
#include <random>

namespace selvage {

namespace {

std::uint64_t random_number() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
}

// Both halves of a product of 128 bits.
std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

AddressHash::AddressHash() : secret_{random_number(), random_number()} {}

std::size_t AddressHash::operator()(const IpAddress& address) const {
    std::uint64_t high = 0, low = 0;
    std::memcpy(&high, address.bytes.data(), sizeof high);
    std::memcpy(&low, address.bytes.data() + sizeof high, sizeof low);
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
    return folded(folded(high ^ secret_[0], low ^ secret_[1]) ^ secret_[0], kOdd);
}

}  // namespace selvage
