#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

// What memory held when it was last looked at, so that a restart can begin with it:
//
//   list = "selvage hot 1\n" ( key "\n" )*        key: 32 lower-case hexadecimal digits, the hottest first
//
// A line that is none ends the list. What the keys name is verified when it is read: nothing here needs a checksum.
namespace selvage::cache_store {

inline constexpr std::size_t kMostHot = 100'000;

std::string encode_hot_list(const std::vector<Key128>& keys);
std::vector<Key128> parse_hot_list(std::string_view text);  // at most kMostHot

}  // namespace selvage::cache_store
