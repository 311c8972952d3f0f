#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cache_store/store.h"
#include "server/http/message.h"

namespace selvage::representations {

// What we keep beside a representation's bytes: the store's `meta`, as "key=value" lines.
struct Facts {
    std::string media_type;  // "" for a coding: its source has it
    std::string etag;        // the opaque part, without quotes; "" for a coding
    std::uint32_t width = 0, height = 0;
    std::uint32_t source_width = 0, source_height = 0;
    bool interim = false;  // a fast coding, to be replaced by the best one
    friend bool operator==(const Facts&, const Facts&) = default;
};

std::string to_meta(const Facts& facts);
// Nothing when the text is not ours: the entry is then a miss.
std::optional<Facts> from_meta(std::string_view meta);

// How a representation that was not in memory came about.
struct Filled {
    Result<cache_store::ObjectPtr> object;
    http::Verdict verdict = http::Verdict::Miss;  // Miss, DiskHit; Coalesced for those who joined
    std::chrono::microseconds fill_time{0};
};

}  // namespace selvage::representations
