// HTTP/1 sessions: any bytes, in any pieces. Claims: no crash, output bounded by its room, field values without line ends, every
// request reported.
#include "tests/fuzz/session_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    selvage::fuzz::converse(selvage::http::make_http1_session, "", data, size);
    return 0;
}
