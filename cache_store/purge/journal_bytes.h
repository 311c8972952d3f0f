#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace selvage::cache_store {

// Numbers as bytes, little endian (as the machines are that we run on), appended.
template <typename Number>
void put_number(std::string& to, Number number) {
    to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// Takes numbers and texts off the front of bytes from a file. Past the end: zeros and empty texts, and `ok` is false from then
// on.
struct TakeBytes {
    std::string_view rest;
    bool ok = true;

    template <typename Number>
    Number number() {
        Number value{};
        const std::string_view bytes = text(sizeof value);
        if (ok) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    std::string_view text(std::size_t length) {
        ok = ok && length <= rest.size();
        if (!ok) return {};
        const std::string_view bytes = rest.substr(0, length);
        rest.remove_prefix(length);
        return bytes;
    }
};

}  // namespace selvage::cache_store
