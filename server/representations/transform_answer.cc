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

std::unexpected<Error> fault(std::string what) { return fail(ErrorKind::Internal, std::move(what), "worker_crashed"); }

// What a worker may refuse with; the text from the wire becomes one of these literals.
struct Code {
    std::string_view said;
    std::string_view told;  // to clients, who know fewer (image-urls §1.7)
    http::LimitHit limit;
};

const Code& known_code(const worker::Done& done) {
    using enum http::LimitHit;
    static constexpr Code kUnknown = {{}, {}, kCount};
    static constexpr Code kCodes[] = {
        {"undecodable", "undecodable", kCount},
        {"unsupported_source", "unsupported_source", kCount},
        {"empty_region", "empty_region", kCount},
        {"format_disabled", "format_disabled", kCount},
        {"processing_timeout", "processing_timeout", kCount},
        {"source_pixels", "source_pixels", ImageSourcePixels},
        {"source_side", "source_pixels", ImageSourceSide},
        {"too_many_frames", "too_many_frames", ImageFrames},
        {"animation_pixels", "source_pixels", ImageAnimationPixels},
        {"output_pixels", "too_large", ImageOutputPixels},
        {"output_side", "too_large", ImageOutputSide},
        {"format_side", "too_large", ImageFormatSide},
        {"animation_output_pixels", "too_large", ImageAnimationOutput},
        {"source_too_large", "source_too_large", ImageSvgBytes},  // of other kinds the server knows
        {"too_many_elements", "too_many_elements", ImageSvgElements},
    };
    const std::string_view given(done.code, strnlen(done.code, sizeof done.code));
    const auto* found = std::ranges::find(kCodes, given, &Code::said);
    return found == std::end(kCodes) ? kUnknown : *found;
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
    if (done.enlarged > worker::Enlarged::UpToPixels) return fault("was stopped by a limit that there is not");
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
    constexpr std::uint64_t kMost = worker::kMostOutput / 4;  // whatever the limits are: it is read into the server's memory
    const std::uint64_t frame = std::min(std::uint64_t{width} * height, kMost);
    const std::uint64_t pixels = std::min(frame * std::clamp<std::uint64_t>(frames, 1, kMost), kMost);
    return std::min(4 * pixels + kContainer, worker::kMostOutput);
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
                 .code = known_code(done).told,
                 .detail = std::string(done.detail, strnlen(done.detail, sizeof done.detail)),
                 .param = {},
                 .allowed = {}};
}

http::LimitHit limit_of(const worker::Done& done) {
    if (done.ok == 0) return known_code(done).limit;
    switch (done.enlarged) {
        case worker::Enlarged::UpTo:
            return http::LimitHit::ImageUpscale;
        case worker::Enlarged::UpToPixels:
            return http::LimitHit::ImageUpscalePixels;
        case worker::Enlarged::AsAsked:
            break;
    }
    return http::LimitHit::kCount;
}

}  // namespace selvage::representations
