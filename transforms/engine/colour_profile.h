#pragma once

#include <string>
#include <string_view>

namespace selvage::transforms {

// The description of an ICC profile in ASCII ("sRGB IEC61966-2.1", "Display P3"), other characters dropped; empty when the bytes
// are not a profile that has one. Source: ICC.1:2010 §7.2, §7.3, §10.13 (mluc); ICC.1:2001 §6.5.17 (desc).
std::string profile_description(std::string_view icc);

// Is it one of the many profiles that only say sRGB? They are told by their description: converting from them costs 11 ms and
// changes nothing.
bool is_srgb_profile(std::string_view icc);

}  // namespace selvage::transforms
