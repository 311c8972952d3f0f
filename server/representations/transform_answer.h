#pragma once

#include "base/result.h"
#include "config/config.h"
#include "server/http/session.h"
#include "transforms/order.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

// Is this what a worker says that does what it was told? It decodes untrusted bytes: what it says is no more to be trusted than
// these. Nothing of the output is read.
//
// `output`: the descriptor that came with it; -1: none. `expected`: which of the job's orders it should be about, `order` that.
// Errors: Internal, when it is about another one, its numbers are none that the order and the limits allow, or its output is not
// sealed memory of the size that it says.
Result<void> check_answer(const transforms::worker::Done& done, int output, std::uint32_t expected,
                          const transforms::Order& order, const config::Image& limits);

// The most bytes that an image of this size may have: what it takes without any compression, and something for its container.
std::uint64_t largest_output(std::uint32_t width, std::uint32_t height, std::uint32_t frames);

// What a worker says that has not made the image. Its code is one of image-urls §1.7.
Error refusal(const transforms::worker::Done& done);

// Which limit kept it from making the image, or from making it as large as was asked; kCount: none.
http::LimitHit limit_of(const transforms::worker::Done& done);

}  // namespace selvage::representations
