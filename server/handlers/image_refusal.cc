#include "server/handlers/image_refusal.h"

#include <algorithm>

#include "server/http/cors.h"
#include "server/http/error_response.h"

namespace selvage::handlers {

namespace {

class RefusedImage final : public Resource {
public:
    RefusedImage(const Located& located, const Error& error, bool negotiated)
        : source_(located.source), refusal_(refused(error, negotiated)) {}

    http::Reply respond(const http::Request& request) override {
        if (request.method == http::Method::Options) return http::options_answer(request, http::MediaClass::Image);
        return refusal_;
    }
    const catalogue::Source* source() const override { return source_.get(); }

private:
    const catalogue::SourcePtr source_;
    const http::Answer refusal_;
};

}  // namespace

http::Answer refused(const Error& error, bool negotiated) {
    // The one kind that the shared table cannot tell: a query that is too long is the URI's fault, not a body's.
    http::Answer answer = error.code == "uri_too_long" ? http::status_answer(414) : http::error_answer(error);
    if (negotiated) answer.extra.add("vary", "Accept");
    return answer;
}

ResourcePtr refused_image(const Located& located, const Error& error, bool negotiated) {
    return std::make_shared<RefusedImage>(located, error, negotiated);
}

std::optional<Error> policy_against(const Located& located) {
    if (located.source->image->format != transforms::Format::Svg || located.snapshot->config->image.rasterise_svg) {
        return std::nullopt;
    }
    return Error{.kind = ErrorKind::BadRequest,
                 .code = "format_disabled",
                 .detail = "Pixels are made of an SVG only where the option image.rasterise_svg is on.",
                 .param = "fm"};
}

http::LimitHit limit_of(const Error& refusal) {
    return refusal.code == "source_too_large" ? http::LimitHit::ImageSourceBytes : http::LimitHit::ImageSourcePixels;
}

std::optional<Error> limits_exceeded(const Located& located) {
    const config::Image& limits = located.snapshot->config->image;
    const catalogue::Source& source = *located.source;
    if (source.size > limits.source_bytes) {
        return Error{.kind = ErrorKind::TooLarge, .code = "source_too_large", .detail = "more bytes than image.source_bytes"};
    }
    if (source.image->format == transforms::Format::Svg && source.size > limits.svg_bytes) {
        return Error{.kind = ErrorKind::TooLarge, .code = "source_too_large", .detail = "more bytes than image.svg_bytes"};
    }
    const std::uint64_t pixels = std::uint64_t{source.image->width} * source.image->height;
    if (pixels > limits.source_pixels || std::max(source.image->width, source.image->height) > limits.source_side) {
        return Error{.kind = ErrorKind::Unprocessable,
                     .code = "source_pixels",
                     .detail = "more pixels than image.source_pixels or source_side"};
    }
    return std::nullopt;
}

}  // namespace selvage::handlers
