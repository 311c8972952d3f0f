#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transforms/engine/geometry.h"

namespace selvage::transforms {

// A JPEG stream taken apart at its markers; nothing is decoded. Source: ITU-T T.81 Annex B.
//
//   head · scan (tables, scan header, entropy-coded data) · scan · … · EOI
struct JpegScan {
    std::string_view tables;       // the segments before the scan header: later scans may need them, too
    std::string_view data;         // scan header and entropy-coded data
    std::uint32_t components = 0;  // bit per component, in the order of the frame header
    int first = 0, last = 63;      // coefficients, in zigzag order
    int high = 0, low = 0;         // bits of a coefficient that earlier scans gave, that are missing after this one (Ah, Al)
};

struct JpegParts {
    std::string_view head;  // from SOI to before the segments of the first scan: up to and with the frame header
    Size size;
    int components = 0;
    bool halved_colour = false;  // the first component is sampled more often than the others
    // Quantisation steps of each component, in zigzag order; 0 where the stream has none before its first scan.
    std::array<std::array<std::uint16_t, 64>, 4> steps{};
    bool progressive = false;
    bool complete = false;        // ends with EOI; a stream whose first scan has everything is not followed to its end
    std::vector<JpegScan> scans;  // in the order of the stream
    std::string_view exif;        // from the TIFF header on
    std::string icc;              // the profile's segments joined; empty when one is missing or it is above 1 MiB
};

// Whatever is wrong with a stream shows in what is missing here; judging it is the decoder's work.
JpegParts parts_of(std::string_view bytes);

// Up to the first scan only: size, EXIF. Fast, whatever the length of the stream.
JpegParts head_of(std::string_view bytes);

}  // namespace selvage::transforms
