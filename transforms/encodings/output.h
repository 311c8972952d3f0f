#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "base/result.h"

namespace selvage::transforms {

// Decoded bytes growing under a limit: the memory used follows what really comes out, not what a header claims.
//
// Holds one byte more than the limit, so that a decoder which has said all can always be told from one that wants to say more.
class Output {
public:
    // `input` is the size of the coded bytes, from which the first guess is made.
    Output(std::size_t input, std::size_t limit) : capacity_(std::min(limit, kHuge) + 1) {
        bytes_.resize(std::min(capacity_, std::min(input, kHuge) * 4 + kStep));
    }

    char* free() { return bytes_.data() + used_; }
    std::size_t room() const { return bytes_.size() - used_; }
    void add(std::size_t count) { used_ += count; }

    // Makes room where there is none; false when more came out than the limit: then finish() says so.
    bool make_room() {
        if (room() > 0) return true;
        bytes_.resize(std::min(capacity_, bytes_.size() * 2 + kStep));
        return room() > 0;
    }

    // Errors: TooLarge when more came out than the limit.
    Result<std::string> finish() && {
        if (used_ == capacity_) return fail(ErrorKind::TooLarge, "more bytes come out than allowed");
        bytes_.resize(used_);
        return std::move(bytes_);
    }

private:
    static constexpr std::size_t kHuge = std::size_t{1} << 48;  // keeps the arithmetic above from overflowing
    static constexpr std::size_t kStep = 1024;

    std::string bytes_;
    std::size_t used_ = 0;
    std::size_t capacity_;
};

}  // namespace selvage::transforms
