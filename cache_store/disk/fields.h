#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <string>
#include <string_view>

// Numbers of the disk tier's formats, little endian, one after another.
namespace selvage::cache_store {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

template <std::integral Number>
void append_number(std::string& out, Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
}

template <std::integral Number>
void put_number(std::string& out, std::size_t offset, Number number) {
    std::memcpy(out.data() + offset, &number, sizeof number);
}

// Puts fields one after another to where there is room for them.
class FieldWriter {
public:
    explicit FieldWriter(char* to) : at_(to) {}

    void bytes(std::string_view bytes) {
        if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    template <std::integral Number>
    void number(Number number) {
        std::memcpy(at_, &number, sizeof number);
        at_ += sizeof number;
    }
    char* at() const { return at_; }

private:
    char* at_;
};

// Takes fields off the front; the caller has checked that there are enough bytes.
class Fields {
public:
    explicit Fields(std::string_view bytes) : rest_(bytes) {}

    std::string_view take(std::size_t count) {
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    template <std::integral Number>
    Number number() {
        Number value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }

private:
    std::string_view rest_;
};

}  // namespace selvage::cache_store
