#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::torture {

// What decides in a trial: a seed, so that what failed happens again, or a fuzzer's bytes.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    explicit Dice(std::string_view bytes) : bytes_(bytes), from_bytes_(true) {}

    // 0 … bound-1. Of a fuzzer's bytes: as many as the bound needs; 0 when they are used up.
    std::uint64_t roll(std::uint64_t bound) {
        if (bound < 2) return 0;
        return (from_bytes_ ? from_bytes(bound) : next()) % bound;
    }
    bool one_in(std::uint64_t bound) { return roll(bound) == 0; }
    bool used_up() const { return from_bytes_ && bytes_.empty(); }

    // Another of its own, so that what it decides does not depend on how often this one is asked.
    Dice fork() { return from_bytes_ ? Dice(roll(1ULL << 32)) : Dice(next()); }

private:
    std::uint64_t next() {  // SplitMix64
        std::uint64_t mixed = (state_ += 0x9E3779B97F4A7C15ULL);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
        return mixed ^ (mixed >> 31);
    }
    std::uint64_t from_bytes(std::uint64_t bound) {
        std::uint64_t value = 0;
        for (std::uint64_t reach = 1; reach < bound && !bytes_.empty(); reach <<= 8) {
            value = value << 8 | static_cast<std::uint8_t>(bytes_.front());
            bytes_.remove_prefix(1);
            if (reach >> 55 != 0) break;
        }
        return value;
    }

    std::uint64_t state_ = 0;
    std::string_view bytes_;
    bool from_bytes_ = false;
};

}  // namespace selvage::torture
