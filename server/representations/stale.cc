#include "server/representations/stale.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace selvage::representations {

namespace {

// Of Unprocessable: what the URL asks for is too much, or there is nothing in it. See transforms/worker.
constexpr auto kLimits =
    std::to_array<std::string_view>({"source_pixels", "too_many_frames", "too_large", "empty_region", "format_disabled"});

}  // namespace

bool excuses_stale(const Error& error) {
    switch (error.kind) {
        case ErrorKind::Internal:
        case ErrorKind::OriginFailed:
        case ErrorKind::Overloaded:
        case ErrorKind::TimedOut:
            return true;
        case ErrorKind::Unsupported:
        case ErrorKind::Unprocessable:
            return std::ranges::find(kLimits, error.code) == kLimits.end();
        case ErrorKind::BadRequest:
        case ErrorKind::Forbidden:
        case ErrorKind::NotFound:
        case ErrorKind::TooLarge:
        case ErrorKind::RateLimited:
        case ErrorKind::Cancelled:
            break;
    }
    return false;
}

}  // namespace selvage::representations
