#pragma once

#include <string>

#include "server/http/http2/stream.h"

namespace selvage::http {

// What the HTTP/2 sessions of one loop share.
struct Http2Shared {
    h2::StreamPool streams;
    h2::HpackScratch hpack;
    std::string block;       // a header block being written
    std::string date;        // the Date value that date_field encodes
    std::string date_field;  // in HPACK
};

}  // namespace selvage::http
