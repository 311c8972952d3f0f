#include <memory>
#include <utility>

#include "base/url.h"
#include "server/handlers/image_refusal.h"
#include "server/handlers/image_resource.h"
#include "transforms/dialects/canonical.h"

namespace selvage::handlers {

namespace {

using transforms::Format;

// Kinds that browsers do not show: their plain URLs are converted, always (image-urls §3).
bool is_foreign(Format format) {
    return format == Format::Heic || format == Format::Tiff || format == Format::Bmp || format == Format::Jxl;
}

// Has the image behind a URL without parameters to be converted?
bool converts_plain(const Located& located) {
    const Format format = located.source->image->format;
    if (format == Format::Svg || !transforms::row_of(format).can_load || limits_exceeded(located)) return false;
    return is_foreign(format) || located.snapshot->config->image.convert_plain;
}

// What a URL without a transform key asks for, when it is converted.
transforms::ImageRequest plain_request(std::string_view query) {
    transforms::ImageRequest request;
    for (const QueryParam& param : split_query(query)) {
        if (param.key == "v") request.version = param.value;
    }
    return request;
}

class ImageHandler final : public Handler {
public:
    explicit ImageHandler(Services& services) : services_(services), files_(make_static_handler(services)) {}

    ResourcePtr open(const Located& located, std::string_view query) override {
        const bool former = !located.source->image && located.source->predecessor;
        const catalogue::Source& image = former ? *located.source->predecessor->source : *located.source;
        if (!image.image) return nullptr;
        if (query.empty()) return former ? nullptr : open_plain(located, query);
        auto asked = transforms::parse_canonical(query, located.site->dialect);
        if (!asked) return former ? nullptr : refuse(located, refusal_of_query(asked.error()), true);
        if (!*asked) return former ? nullptr : open_plain(located, query);  // no transform key: the file itself
        // Browsers draw an SVG sharper than any picture of it: only an explicit `fm` asks for pixels (image-urls §3).
        if (image.image->format == Format::Svg && !(*asked)->plan.format) return nullptr;
        if (former) return open_image(located, query, **std::move(asked), ImageUrl::Former);
        if (const auto refusal = policy_against(located)) return refuse(located, *refusal, false);
        if (const auto refusal = limits_exceeded(located)) return refuse(located, *refusal, (*asked)->plan.auto_format);
        return open_image(located, query, **std::move(asked), ImageUrl::Transforms);
    }

private:
    ResourcePtr refuse(const Located& located, const Refusal& refusal, bool negotiated) {
        return refused_image(located, refusal, negotiated, services_.counters);
    }

    ResourcePtr open_plain(const Located& located, std::string_view query) {
        if (!converts_plain(located)) return nullptr;
        return open_image(located, query, plain_request(query), ImageUrl::Plain);
    }

    ResourcePtr open_image(const Located& located, std::string_view query, transforms::ImageRequest asked, ImageUrl url) {
        ResourcePtr file = url == ImageUrl::Transforms ? nullptr : files_->open(located, query);
        return std::make_shared<Image>(services_, located, query, std::move(asked), url, std::move(file));
    }

    Services& services_;
    const std::unique_ptr<Handler> files_;  // for what is sent as it is after all
};

}  // namespace

std::unique_ptr<Handler> make_image_handler(Services& services) { return std::make_unique<ImageHandler>(services); }

}  // namespace selvage::handlers
