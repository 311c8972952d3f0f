#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::http {

// Does a file's name contain a hash of its content, as build tools write it? Such a file never changes under its name.
enum class Fingerprint : std::uint8_t {
    None,
    // The shape of one, but also of a word, a number or a date. Counts only when its folder votes for it (≥ 6 files, ≥ 60 % of
    // the same shape), which is not implemented yet: treat it as None.
    Possible,
    Certain,
};

// By the name alone. Source: static-delivery §2.
Fingerprint fingerprint_of(std::string_view path);

inline bool is_fingerprinted(std::string_view path) { return fingerprint_of(path) == Fingerprint::Certain; }

}  // namespace selvage::http
