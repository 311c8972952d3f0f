#include "server/explain_images.h"

#include <fmt/format.h>

#include "base/url.h"
#include "server/representations/stored.h"
#include "transforms/formats.h"

namespace selvage::server {

namespace {

using Lines = std::vector<std::string>;
using transforms::row_of;

std::string source_text(const transforms::Probe& probe) {
    return fmt::format("{} of {}x{}{}{}", row_of(probe.format).name, probe.width, probe.height,
                       probe.animated ? ", animated" : "", probe.alpha ? ", with transparency" : "");
}

std::string order_text(const transforms::Order& order) {
    std::string text(row_of(order.format).name);
    if (order.target != 0) return text + fmt::format(", the quality that scores {}", order.target);
    return order.quality != 0 ? text + fmt::format(", quality {}", order.quality) : text;
}

long milliseconds(std::chrono::microseconds time) { return static_cast<long>((time.count() + 999) / 1000); }

// Why this format.
std::string format_reason(const AskedImage& image, const handlers::Variant& variant) {
    if (image.request.plan.format) return "the URL names the format";
    if (!image.request.plan.auto_format) return "fm=orig: the source's own format";
    if (variant.above_avif) return "larger than image.avif_pixels: not AVIF";
    return "fm=auto: the first of image.auto_formats that the client accepts";
}

// What happens when somebody asks for it now.
Lines making(const Subject& subject, const handlers::Variant& variant) {
    const config::Image& settings = subject.config.image;
    const handlers::Course course =
        handlers::choose_course({.format = variant.order.format,
                                 .fast = variant.fast,
                                 .negotiated = subject.image->request.plan.auto_format,
                                 .improvable = variant.improvable,
                                 .background = settings.upgrade && !(subject.rule && subject.rule->bypass),
                                 .idle_workers = 1},
                                settings);
    Lines lines{fmt::format("not stored: it would be made, in about {} ms",
                            milliseconds(handlers::cost_of(variant, variant.order).total()))};
    if (course.send == handlers::Course::Send::Next) {
        lines.push_back(fmt::format(
            "who asks now gets the next format that he accepts: this one takes longer than image.avif_at_once ({} ms)",
            settings.avif_at_once.count()));
    }
    if (variant.improvable) lines.emplace_back("made again with more effort when it is asked for a second time");
    return lines;
}

Lines stored(const cache_store::Object& object) {
    const auto facts = representations::from_meta(object.meta);
    if (!facts) return {"stored, but not readable: it would be made anew"};
    Lines lines{fmt::format("stored: {} bytes, {}x{}", object.body->size(), facts->width, facts->height)};
    if (facts->quality != 0) lines.back() += fmt::format(", encoder quality {}", facts->quality);
    if (facts->score != 0) lines.back() += fmt::format(", score {}.{:02}", facts->score / 100, facts->score % 100);
    if (facts->interim) lines.emplace_back("made fast: it is made better when it is asked for again");
    return lines;
}

void append(Lines& lines, Lines more) { lines.insert(lines.end(), more.begin(), more.end()); }

}  // namespace

Lines explain_image(const Subject& subject) {
    if (!subject.image) return {};
    const AskedImage& image = *subject.image;
    const std::string source = source_text(*subject.source->image);
    if (image.refused) {
        Lines lines{"refused: " + image.refused->detail, source};
        if (!image.refused->param.empty())
            lines.push_back(fmt::format("{}: allowed is {}", image.refused->param, image.refused->allowed));
        return lines;
    }
    const std::string query = transforms::canonical(image.request.plan);
    Lines lines{encode_path(subject.path) + (query.empty() ? "" : "?" + query), "of " + source};
    if (image.plain) lines.emplace_back("the URL asks for nothing, but it is converted: fm=auto");
    for (const std::string& key : image.request.ignored_keys) lines.push_back(fmt::format("{} means nothing here", key));
    if (!image.variant) {
        lines.emplace_back("no selvage-transform could be started: what is stored cannot be told");
        return lines;
    }
    lines.push_back(fmt::format("{} ({})", order_text(image.variant->order), format_reason(image, *image.variant)));
    if (image.plain && image.variant->order.format == subject.source->image->format) {
        lines.emplace_back("that is what the file is: it is sent as it is");
        return lines;
    }
    append(lines, image.stored ? stored(*image.stored) : making(subject, *image.variant));
    return lines;
}

}  // namespace selvage::server
