#pragma once

#include <string_view>
#include <vector>

#include "transforms/formats.h"
#include "transforms/plan.h"

namespace selvage::transforms {

// What a client says it can decode, collapsed from Accept: only explicit image/avif, image/webp, image/jxl with q > 0 count.
struct AcceptedFormats {
    bool avif = false;
    bool webp = false;
    bool jxl = false;
    friend bool operator==(const AcceptedFormats&, const AcceptedFormats&) = default;
};
AcceptedFormats parse_accept(std::string_view accept);

// Facts about the source that the choice needs and that are known before decoding it.
struct SourceFacts {
    Format format;
    bool animated = false;  // more than one frame (from the container, see probe.h)
    bool alpha = false;
};

// What `fm=auto` may choose.
struct AutoFormats {
    std::vector<Format> formats;  // the preferred first
    // AVIF for what moves, too: few bytes, but libaom takes its time, and libavif 0.11 cannot say how often a file is to be
    // shown.
    bool animated_avif = false;
};

// The output format of a plan for this client: explicit → itself; orig → the source's kind where it can be saved; auto → the
// first of `automatic` that the client accepts (AVIF for animated output only where that is allowed), else gif when animated, png
// when alpha, the source's own kind when it is jpeg, png or gif, else jpeg. Source: image-urls §1.3.
Format choose_format(const Plan& plan, AcceptedFormats accepted, const SourceFacts& source, const AutoFormats& automatic);

struct DefaultQuality {
    unsigned jpeg = 80, webp = 79, avif = 55;
};
// The encoder's own quality for a plan and format: explicit q mapped from the JPEG-like scale (image-urls §3), else the default.
// 0 for formats without one (png, gif).
unsigned effective_quality(const Plan& plan, Format chosen, const DefaultQuality& defaults);

}  // namespace selvage::transforms
