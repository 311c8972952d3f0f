#include "server/representations/transform_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

namespace selvage::representations {

namespace worker = transforms::worker;

namespace {

constexpr std::uint64_t kContainer = 1 << 20;
constexpr std::uint64_t kLargest = worker::kMostOutput;  // whatever the limits are: it is read into the memory of the server

std::unexpected<Error> fault(std::string what) { return fail(ErrorKind::Internal, std::move(what), "worker_crashed"); }

// The codes that a worker may use; the text from the wire becomes one of these literals.
std::string_view known_code(const char* text, std::size_t size) {
    static constexpr std::string_view kCodes[] = {
        "undecodable",        "source_pixels",   "too_many_frames",    "too_large",         "empty_region",
        "unsupported_source", "format_disabled", "processing_timeout", "too_many_elements", "source_too_large"};
    const std::string_view given(text, strnlen(text, size));
    const auto* found = std::ranges::find(kCodes, given);
    return found == std::end(kCodes) ? std::string_view{} : *found;
}

bool may_refuse_with(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::TooLarge:
        case ErrorKind::Unsupported:
        case ErrorKind::Unprocessable:
        case ErrorKind::TimedOut:
        case ErrorKind::Internal:
            return true;
        case ErrorKind::BadRequest:
        case ErrorKind::Forbidden:
        case ErrorKind::NotFound:
        case ErrorKind::OriginFailed:
        case ErrorKind::Overloaded:
        case ErrorKind::RateLimited:
        case ErrorKind::Cancelled:
            break;
    }
    return false;
}

Result<void> check_numbers(const worker::Done& done, const transforms::Order& order, const config::Image& limits) {
    if (done.format != order.format) return fault("made another format than was asked for");
    if (done.quality > 100 || done.effort > transforms::ImageEffort::Best) return fault("used a quality that there is not");
    if (!std::isfinite(done.score) || done.score > 100) return fault("gave a score that there is not");
    const bool fits = done.width >= 1 && done.height >= 1 && std::max(done.width, done.height) <= limits.output_side &&
                      std::uint64_t{done.width} * done.height <= limits.output_pixels && done.frames <= limits.frames;
    if (!fits) return fault(fmt::format("made {} frames of {}x{}", done.frames, done.width, done.height));
    if (done.output_size == 0 || done.output_size > largest_output(done.width, done.height, done.frames)) {
        return fault(fmt::format("made {} bytes of {} frames of {}x{}", done.output_size, done.frames, done.width, done.height));
    }
    return {};
}

}  // namespace

std::uint64_t largest_output(std::uint32_t width, std::uint32_t height, std::uint32_t frames) {
    constexpr std::uint64_t kMost = kLargest / 4;
    const std::uint64_t frame = std::min(std::uint64_t{width} * height, kMost);
    const std::uint64_t pixels = std::min(frame * std::clamp<std::uint64_t>(frames, 1, kMost), kMost);
    return std::min(4 * pixels + kContainer, kLargest);
}

Result<void> check_answer(const worker::Done& done, int output, std::uint32_t expected, const transforms::Order& order,
                          const config::Image& limits) {
    if (done.order != expected) return fault("answered what was not asked");
    if (done.ok == 0) {
        if (!may_refuse_with(done.error)) return fault("refused without a reason");
        return {};
    }
    TRY(check_numbers(done, order, limits));
    if (auto sealed = worker::check_sealed(output, done.output_size); !sealed) {
        return fault("gave an output that is " + sealed.error().detail);
    }
    return {};
}

Error refusal(const worker::Done& done) {
    return Error{.kind = done.error,
                 .code = known_code(done.code, sizeof done.code),
                 .detail = std::string(done.detail, strnlen(done.detail, sizeof done.detail)),
                 .param = {},
                 .allowed = {}};
}

}  // namespace selvage::representations
