#include "transforms/negotiation.h"

#include "base/fields.h"

namespace selvage::transforms {
namespace {

bool accepts(AcceptedFormats accepted, Format format) {
    switch (format) {
        case Format::Avif:
            return accepted.avif;
        case Format::Webp:
            return accepted.webp;
        case Format::Jxl:
            return accepted.jxl;
        case Format::Jpeg:
        case Format::Png:
        case Format::Gif:
        case Format::Tiff:
        case Format::Svg:
        case Format::Heic:
        case Format::Bmp:
            return false;  // never negotiated: fallbacks, or nothing a browser shows
    }
    return false;
}

// What every client can show. Source: image-urls §1.3 rule 3.
Format fallback(bool animated, const SourceFacts& source) {
    if (animated) return Format::Gif;
    if (source.alpha) return Format::Png;
    const bool universal = source.format == Format::Jpeg || source.format == Format::Png || source.format == Format::Gif;
    return universal ? source.format : Format::Jpeg;
}

// JPEG's scale → AVIF's, linear between the points. Source: image-urls §3.
struct Point {
    unsigned jpeg, avif;
};
constexpr Point kAvifScale[] = {{1, 1},   {30, 18}, {50, 32}, {60, 38}, {70, 45}, {75, 50},
                                {80, 55}, {85, 60}, {90, 68}, {95, 77}, {100, 90}};

unsigned avif_quality(unsigned quality) {
    Point below = kAvifScale[0];
    for (const Point above : kAvifScale) {
        if (quality > above.jpeg) {
            below = above;
            continue;
        }
        const unsigned run = above.jpeg - below.jpeg;
        if (run == 0) return above.avif;
        return below.avif + ((quality - below.jpeg) * (above.avif - below.avif) * 2 + run) / (run * 2);  // half rounds up
    }
    return below.avif;
}

}  // namespace

AcceptedFormats parse_accept(std::string_view accept) {
    AcceptedFormats formats;
    while (const auto member = next_weighted(accept)) {
        if (member->weight == 0) continue;
        const auto format = format_of_media_type(member->token);
        formats.avif = formats.avif || format == Format::Avif;
        formats.webp = formats.webp || format == Format::Webp;
        formats.jxl = formats.jxl || format == Format::Jxl;
    }
    return formats;
}

Format choose_format(const Plan& plan, AcceptedFormats accepted, const SourceFacts& source, const AutoFormats& automatic) {
    if (plan.format) return *plan.format;
    // Of an animated PNG or HEIC the engine reads the first picture only: for it, it is a still one.
    const bool animated = plan.animated && source.animated && row_of(source.format).animation;
    if (!plan.auto_format) return row_of(source.format).can_save ? source.format : fallback(animated, source);
    for (const Format candidate : automatic.formats) {
        const bool moves = candidate == Format::Avif ? automatic.animated_avif : row_of(candidate).animation;
        if (row_of(candidate).can_save && accepts(accepted, candidate) && (!animated || moves)) return candidate;
    }
    return fallback(animated, source);
}

unsigned effective_quality(const Plan& plan, Format chosen, const DefaultQuality& defaults) {
    switch (chosen) {
        case Format::Jpeg:
            return plan.quality.value_or(defaults.jpeg);
        case Format::Webp:
            return plan.quality.value_or(defaults.webp);
        case Format::Avif:
            return plan.quality ? avif_quality(*plan.quality) : defaults.avif;
        case Format::Png:
        case Format::Gif:
        case Format::Tiff:
        case Format::Svg:
        case Format::Heic:
        case Format::Bmp:
        case Format::Jxl:
            return 0;
    }
    return 0;
}

}  // namespace selvage::transforms
