#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace selvage::transforms {

using CodedSink = std::move_only_function<void(std::string_view)>;

// A coding made in pieces: with Effort::First what comes out can be sent before all has gone in; with the others it can be
// stopped in between. The bytes need not be those of encode(), but decode to the same, and are the same for the same pieces.
//
// Each call hands the sink what comes out of it, if anything. Errors: Internal, and it is of no use after that.
class Encoder {
public:
    virtual ~Encoder() = default;
    virtual Result<void> add(std::string_view bytes) = 0;
    virtual Result<void> flush() = 0;   // all that has been added comes out; costs a few bytes
    virtual Result<void> finish() = 0;  // once, and last
};

}  // namespace selvage::transforms
