#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace selvage {

// SHA-256 of a content. Value type, 32 bytes.
struct Sha256 {
    std::array<std::uint8_t, 32> bytes{};
    friend auto operator<=>(const Sha256&, const Sha256&) = default;
};

// 128-bit key of a representation. Not cryptographic on its own: it covers a SHA-256 of the content.
struct Key128 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend auto operator<=>(const Key128&, const Key128&) = default;
};

Sha256 sha256(std::string_view bytes);

// SHA-256 over pieces, for contents that are read in slices.
class Sha256Stream {
public:
    Sha256Stream();
    ~Sha256Stream();
    Sha256Stream(const Sha256Stream&) = delete;
    Sha256Stream& operator=(const Sha256Stream&) = delete;

    void update(std::string_view bytes);
    Sha256 finish();  // once

private:
    struct State;
    std::unique_ptr<State> state_;
};

// XXH3-128 over the parts, each preceded by its length, so that ("ab","c") and ("a","bc") differ.
Key128 key_of(std::initializer_list<std::string_view> parts);

// XXH3-64 of the bytes; for checksums. The seeded form covers the seed too.
std::uint64_t checksum64(std::string_view bytes);
std::uint64_t checksum64(std::string_view bytes, std::uint64_t seed);

std::string hex(std::string_view bytes);        // lower case, two digits per byte
std::string hex(const Sha256& digest);          // 64 digits
std::string hex(const Key128& key);             // 32 digits, high first
std::string base64url(std::string_view bytes);  // RFC 4648 §5, without padding

// The first 12 bytes of the digest as base64url: 16 characters, the opaque part of our entity tags.
std::string etag_text(const Sha256& digest);

inline std::string_view as_text(const Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

}  // namespace selvage

template <>
struct std::hash<selvage::Key128> {
    std::size_t operator()(const selvage::Key128& key) const noexcept { return static_cast<std::size_t>(key.low); }
};

template <>
struct std::hash<selvage::Sha256> {
    std::size_t operator()(const selvage::Sha256& digest) const noexcept {
        std::size_t first;  // a digest is its own hash
        std::memcpy(&first, digest.bytes.data(), sizeof first);
        return first;
    }
};
