#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "transforms/formats.h"

namespace selvage::transforms {

// What a container's own header says, read without decoding any pixel: bounds-checked byte reading only, safe on hostile input in
// the serving process. Numbers are claims of the file, not facts: the worker checks again.
struct Probe {
    Format format;
    std::uint32_t width = 0;  // 0: not found in the bytes given
    std::uint32_t height = 0;
    bool animated = false;
    bool alpha = false;
    bool progressive = false;  // JPEG in several scans, which takes several times as long to decode
};

// From the whole file, or from a prefix (64 KiB finds nearly all; GIF animation needs to see the second frame or a NETSCAPE
// block, PNG and WebP say it in their headers). Nothing when it is no image we know.
std::optional<Probe> probe(std::string_view bytes);

}  // namespace selvage::transforms
