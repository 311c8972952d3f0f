#pragma once

#include <string>
#include <string_view>

namespace selvage::transforms {

// The little of an EXIF block that matters to us. Texts are as they stand in the file, cut at 1,000 bytes.
struct Exif {
    int orientation = 1;    // 1…8
    std::string copyright;  // photographer and editor joined by ", "
    std::string artist;
};

// From a TIFF header on ("II*\0" or "MM\0*"), without "Exif\0\0" before it. What cannot be understood is left out: EXIF decides
// nothing but these. Source: Exif 2.32 §4.6.2, §4.6.4 (tags 0x0112, 0x013B, 0x8298 of the 0th IFD).
Exif read_exif(std::string_view tiff);

}  // namespace selvage::transforms
