#include "transforms/jxl_header.h"

#include <array>
#include <cstddef>

namespace selvage::transforms {
namespace {

// A range of values that a U32 can choose: the base and so many bits more.
struct Range {
    std::uint32_t base;
    unsigned bits;
};
using Ranges = std::array<Range, 4>;

// Reads zeros beyond the end, and knows that it did.
class Bits {
public:
    explicit Bits(std::string_view bytes) : bytes_(bytes) {}

    std::uint32_t take(unsigned count) {
        std::uint32_t value = 0;
        for (unsigned bit = 0; bit < count; ++bit, ++at_) {
            const std::size_t byte = at_ / 8;
            if (byte < bytes_.size()) value |= (static_cast<unsigned char>(bytes_[byte]) >> (at_ % 8) & 1U) << bit;
        }
        return value;
    }
    bool flag() { return take(1) != 0; }
    std::uint32_t number(const Ranges& ranges) {
        const Range range = ranges[take(2)];
        return range.base + take(range.bits);
    }
    bool ended() const { return at_ > bytes_.size() * 8; }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
};

struct Sides {
    std::uint32_t width = 0, height = 0;
};

std::uint32_t width_for(std::uint32_t height, std::uint32_t ratio) {
    struct Ratio {
        std::uint64_t over, under;
    };
    constexpr Ratio kRatios[] = {{1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}};
    return static_cast<std::uint32_t>(height * kRatios[ratio - 1].over / kRatios[ratio - 1].under);
}

Sides read_size(Bits& bits) {
    constexpr Ranges kSide = {{{1, 9}, {1, 13}, {1, 18}, {1, 30}}};
    const bool small = bits.flag();
    const auto side = [&] { return small ? (bits.take(5) + 1) * 8 : bits.number(kSide); };
    const std::uint32_t height = side();
    const std::uint32_t ratio = bits.take(3);
    return {.width = ratio == 0 ? side() : width_for(height, ratio), .height = height};
}

void skip_preview(Bits& bits) {
    constexpr Ranges kEighths = {{{16, 0}, {32, 0}, {1, 5}, {33, 9}}}, kPixels = {{{1, 6}, {65, 8}, {321, 10}, {1345, 12}}};
    const Ranges& side = bits.flag() ? kEighths : kPixels;
    bits.number(side);
    if (bits.take(3) == 0) bits.number(side);
}

void skip_animation(Bits& bits) {
    bits.number({{{100, 0}, {1000, 0}, {1, 10}, {1, 30}}});  // ticks per second, the numerator
    bits.number({{{1, 0}, {1001, 0}, {1, 8}, {1, 10}}});     // and the denominator
    bits.number({{{0, 0}, {0, 3}, {0, 16}, {0, 32}}});       // repetitions
    bits.flag();                                             // time codes
}

void skip_depth(Bits& bits) {
    if (bits.flag()) {  // floating point
        bits.number({{{32, 0}, {16, 0}, {24, 0}, {1, 6}}});
        bits.take(4);
    } else {
        bits.number({{{8, 0}, {10, 0}, {12, 0}, {1, 6}}});
    }
}

bool first_channel_is_alpha(Bits& bits) {
    if (bits.number({{{0, 0}, {1, 0}, {2, 4}, {1, 12}}}) == 0) return false;  // no extra channel
    const bool by_default = bits.flag();
    return by_default || bits.number({{{0, 0}, {1, 0}, {2, 4}, {18, 6}}}) == 0;
}

void read_metadata(Bits& bits, JxlHeader& header) {
    if (bits.flag()) return;  // all as usual: still, opaque
    if (bits.flag()) {
        bits.take(3);  // orientation
        if (bits.flag()) read_size(bits);
        if (bits.flag()) skip_preview(bits);
        header.animated = bits.flag();
        if (header.animated) skip_animation(bits);
    }
    skip_depth(bits);
    bits.flag();  // 16 bits are enough for the modular mode
    header.alpha = first_channel_is_alpha(bits);
}

}  // namespace

JxlHeader read_jxl_header(std::string_view codestream) {
    if (!codestream.starts_with("\xFF\x0A")) return {};
    Bits bits(codestream.substr(2));
    const Sides sides = read_size(bits);
    if (bits.ended()) return {};
    JxlHeader header{.width = sides.width, .height = sides.height};
    read_metadata(bits, header);
    return header;
}

}  // namespace selvage::transforms
