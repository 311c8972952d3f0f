#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache_store/store.h"
#include "server/http/message.h"

namespace selvage::http {
class GrowingBody;
}

namespace selvage::representations {

// What we keep beside a representation's bytes: the store's `meta`, as "key=value" lines.
struct Facts {
    std::string media_type;  // "" for a coding: its source has it
    std::string etag;        // the opaque part, without quotes; "" for a coding
    std::uint32_t width = 0, height = 0;
    std::uint32_t source_width = 0, source_height = 0;
    bool interim = false;  // made fast, to be replaced by the best
    unsigned quality = 0;  // of an image: the encoder's own that was used; 0 where it has none
    unsigned score = 0;    // of an image: SSIMULACRA2 in hundredths, when it was measured
    std::string made_for;  // who looks into the store wants to know: the path that was asked for first, and what was made of it
    friend bool operator==(const Facts&, const Facts&) = default;
};

std::string to_meta(const Facts& facts);
// Nothing when the text is not ours: the entry is then a miss.
std::optional<Facts> from_meta(std::string_view meta);

// Is an image that was made with more effort worth another entity tag? It is when it became smaller, or scores better. `size`:
// bytes.
bool is_better(const Facts& facts, std::uint64_t size, const Facts& before, std::uint64_t size_before);

// How a representation that was not in memory came about.
//
// `growing` or `file` set: `object` is a head without a body (its `body` is null), and the bytes come from there.
struct Filled {
    Result<cache_store::ObjectPtr> object;
    http::Verdict verdict = http::Verdict::Miss;  // Miss, DiskHit, Stale; Coalesced for those who joined
    std::chrono::microseconds fill_time{0};
    std::shared_ptr<http::GrowingBody> growing = nullptr;  // an announcement: what is made is read as it grows
    http::OpenFilePtr file = nullptr;                      // too large for memory: read from the disk tier, in parts
};

}  // namespace selvage::representations
