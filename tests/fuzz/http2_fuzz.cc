// HTTP/2 sessions: any frames, in any pieces, after the preface and with it left to the input (the first flag of 32). Claims as
// for HTTP/1.
#include "tests/fuzz/session_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage::http;
    static const std::string kOpening =
        std::string(kHttp2Preface) + std::string("\0\0\0\x04\0\0\0\0\0", 9);  // and empty SETTINGS
    const bool bare = size > 0 && (data[0] & 32) != 0;
    selvage::fuzz::converse(make_http2_session, bare ? std::string_view() : kOpening, data, size);
    return 0;
}
