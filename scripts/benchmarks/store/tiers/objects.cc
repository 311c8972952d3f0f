#include "objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace selvage::bench {
namespace {

constexpr double kMedianBytes = 17e3, kSigma = 1.1;  // mean = median · exp(σ²/2) = 31 KB
constexpr std::size_t kLeast = 100, kMost = 8U << 20;
constexpr std::size_t kPool = 2 * kMost;

// SplitMix64: the number's own random bits.
std::uint64_t mixed(std::uint64_t number) {
    number += 0x9E3779B97F4A7C15ULL;
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9ULL;
    number = (number ^ (number >> 27)) * 0x94D049BB133111EBULL;
    return number ^ (number >> 31);
}

double uniform(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t at = 0; at + 8 <= count; at += 8) {
        const auto word = mixed(at);
        std::memcpy(bytes.data() + at, &word, sizeof word);
    }
    return bytes;
}

}  // namespace

Objects::Objects() : pool_(random_bytes(kPool)) {}

Objects::Objects(std::size_t bytes) : fixed_(bytes), pool_(random_bytes(kPool)) {}

Key128 Objects::key(std::uint64_t number) const { return {.high = mixed(2 * number), .low = mixed(2 * number + 1)}; }

std::size_t Objects::size(std::uint64_t number) const {
    if (fixed_ != 0) return fixed_;
    const auto seed = mixed(number ^ 0x5EEDULL);
    const double normal =
        std::sqrt(-2 * std::log(uniform(mixed(seed)))) * std::cos(2 * std::numbers::pi * uniform(mixed(seed + 1)));
    return std::clamp(static_cast<std::size_t>(kMedianBytes * std::exp(kSigma * normal)), kLeast, kMost);
}

std::string Objects::meta(std::uint64_t number) const {
    return fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: image/avif\r\nContent-Length: {:>8}\r\nETag: \"{:016x}\"\r\n"
        "Cache-Control: public, max-age=31536000\r\n\r\n",
        size(number), number);
}

cache_store::ObjectPtr Objects::make(std::uint64_t number, std::uint64_t birth) const {
    // What cost 60 ms to make is always worth a write (disk/admission.h).
    return std::make_shared<const cache_store::Object>(
        cache_store::Object{.meta = meta(number),
                            .body = make_blob(std::string(bytes(number))),
                            .cost_ms = 60,
                            .created = WallTime(std::chrono::seconds(1'700'000'000)),
                            .birth = birth,
                            .tags = {tag()}});
}

bool Objects::is_body(std::uint64_t number, std::string_view body) const {
    const auto expected = bytes(number);
    return body.size() == expected.size() && body.front() == expected.front() && body.back() == expected.back();
}

cache_store::Tag Objects::tag() { return cache_store::tag_of(cache_store::TagKind::Label, "all"); }

std::string_view Objects::bytes(std::uint64_t number) const {
    const auto count = size(number);
    return std::string_view(pool_).substr(mixed(~number) % (kPool - count), count);
}

}  // namespace selvage::bench
