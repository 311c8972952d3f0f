#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "server/http/http2/hpack_decoder.h"
#include "server/http/request_builder.h"
#include "server/http/session.h"

namespace selvage::http::h2 {

// The header section of one request while it is decoded. RFC 9113 §8.1–8.3.
struct RequestFields {
    RequestBuilder builder;
    std::optional<std::uint64_t> content_length;
    bool malformed = false;            // a stream error: PROTOCOL_ERROR
    LimitHit over = LimitHit::kCount;  // a limit that answers 431; what comes after it is decoded and forgotten
    std::uint8_t pseudo = 0;           // those seen, as bits of their kind
    bool regular = false;              // a regular field was seen: no pseudo-header field may follow
    std::uint64_t decoded_bytes = 0;

    void clear();
    // The rules that show only at the end: which pseudo-header fields there must be.
    void finish();
};

enum class BlockStatus : std::uint8_t {
    Ok,
    Broken,    // COMPRESSION_ERROR: the connection's tables are beyond repair. RFC 9113 §4.3
    TooLarge,  // an expansion beyond all reason: the connection is ended
};

// Decodes a whole header block. `fields` null: only the table is kept current (trailers, streams that are not wanted).
BlockStatus decode_block(HpackDecoder& decoder, HpackScratch& scratch, std::string_view block, const config::Http2& limits,
                         RequestFields* fields);

}  // namespace selvage::http::h2
