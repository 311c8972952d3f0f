#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace selvage::http {

// What a field's value says, parsed once for the few texts that clients keep sending ("gzip, deflate, br, zstd"). Of one loop.
template <typename Value>
class RememberedField {
public:
    // The same as parse(text), which must depend on nothing else.
    template <typename Parse>
    Value of(std::string_view text, Parse parse) {
        Slot& slot = slots_[place_of(text)];
        if (slot.text == text && slot.filled) return slot.value;
        Value value = parse(text);
        if (text.size() <= kLongest) {
            slot.text = text;
            slot.value = value;
            slot.filled = true;
        }
        return value;
    }

private:
    static constexpr std::size_t kSlots = 16;
    static constexpr std::size_t kLongest = 512;  // bytes; Accept of the browsers: up to 200

    struct Slot {
        std::string text;
        Value value{};
        bool filled = false;
    };

    // The common texts differ in length; of those that do not, one is parsed again each time that it follows the other.
    static std::size_t place_of(std::string_view text) {
        return text.empty() ? 0 : (text.size() + static_cast<unsigned char>(text.back())) % kSlots;
    }

    std::array<Slot, kSlots> slots_;
};

}  // namespace selvage::http
