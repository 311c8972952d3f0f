#include "server/handlers/image_refusal.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/http/cors.h"
#include "server/http/error_response.h"

namespace selvage::handlers {

namespace {

class RefusedImage final : public Resource {
public:
    RefusedImage(const Located& located, const Refusal& refusal, bool negotiated, http::Counters& counters)
        : source_(located.source), answer_(refused(refusal.error, negotiated)), limit_(refusal.limit), counters_(counters) {}

    http::Reply respond(const http::Request& request) override {
        if (request.method == http::Method::Options) return http::options_answer(request, http::MediaClass::Image);
        if (limit_ != http::LimitHit::kCount) counters_.limit_hit(limit_);
        return answer_;
    }
    const catalogue::Source* source() const override { return source_.get(); }

private:
    const catalogue::SourcePtr source_;
    const http::Answer answer_;
    const http::LimitHit limit_;
    http::Counters& counters_;
};

}  // namespace

http::Answer refused(const Error& error, bool negotiated) {
    // The one kind that the shared table cannot tell: a query that is too long is the URI's fault, not a body's.
    http::Answer answer = error.code == "uri_too_long" ? http::status_answer(414) : http::error_answer(error);
    if (negotiated) answer.extra.add("vary", "Accept");
    return answer;
}

ResourcePtr refused_image(const Located& located, const Refusal& refusal, bool negotiated, http::Counters& counters) {
    return std::make_shared<RefusedImage>(located, refusal, negotiated, counters);
}

Refusal refusal_of_query(const Error& error) {
    using enum http::LimitHit;
    if (error.code == "uri_too_long") return {error, ImageQueryBytes};
    if (error.code == "too_many_params") return {error, ImageQueryParams};
    if (error.code == "too_large") return {error, error.param == "dpr" ? ImageDpr : ImageOutputSide};
    return {error};
}

std::optional<Refusal> policy_against(const Located& located) {
    if (located.source->image->format != transforms::Format::Svg || located.snapshot->config->image.rasterise_svg) {
        return std::nullopt;
    }
    return Refusal{{.kind = ErrorKind::BadRequest,
                    .code = "format_disabled",
                    .detail = "Pixels are made of an SVG only where the option image.rasterise_svg is on.",
                    .param = "fm"}};
}

std::optional<Refusal> limits_exceeded(const Located& located) {
    using enum http::LimitHit;
    const config::Image& limits = located.snapshot->config->image;
    const catalogue::Source& source = *located.source;
    const auto refusal = [](ErrorKind kind, std::string_view code, std::string_view what, http::LimitHit limit) {
        return Refusal{{.kind = kind, .code = code, .detail = fmt::format("more {} than {}", what, http::name_of(limit))}, limit};
    };
    if (source.size > limits.source_bytes) {
        return refusal(ErrorKind::TooLarge, "source_too_large", "bytes", ImageSourceBytes);
    }
    if (source.image->format == transforms::Format::Svg && source.size > limits.svg_bytes) {
        return refusal(ErrorKind::TooLarge, "source_too_large", "bytes", ImageSvgBytes);
    }
    if (std::max(source.image->width, source.image->height) > limits.source_side) {
        return refusal(ErrorKind::Unprocessable, "source_pixels", "pixels", ImageSourceSide);
    }
    if (std::uint64_t{source.image->width} * source.image->height > limits.source_pixels) {
        return refusal(ErrorKind::Unprocessable, "source_pixels", "pixels", ImageSourcePixels);
    }
    return std::nullopt;
}

}  // namespace selvage::handlers
