#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "transforms/formats.h"

namespace selvage::transforms {

enum class Fit : std::uint8_t { Inside, Cover, Crop, Pad, Outside, Stretch };
// `q=auto`: a score of SSIMULACRA2 that the picture is to reach, whatever quality that takes. Source: image-urls §3.
enum class Target : std::uint8_t { Low = 60, Eco = 70, Good = 80, Best = 88 };

enum class Flip : std::uint8_t { None, Horizontal, Vertical, Both };

enum class Gravity : std::uint8_t {
    Center,
    Top,
    Bottom,
    Left,
    Right,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
    Smart,
    Entropy,
    Point
};

struct Rgba {
    std::uint8_t red = 0, green = 0, blue = 0, alpha = 255;
    friend bool operator==(const Rgba&, const Rgba&) = default;
};

// What a URL asks of an image, as typed values within their bounds; dialects compile to it, the engine carries it out.
//
// A value: compares, copies. Sizes are in pixels with dpr folded in (image-urls §1.1 rule 6). Field names are those of the
// canonical grammar's table (image-urls §1.2), which also gives bounds and defaults.
struct Plan {
    std::uint32_t width = 0;  // 0: from the other side or the source; 1…8192
    std::uint32_t height = 0;
    Fit fit = Fit::Inside;
    bool enlarge = false;                     // up
    Gravity gravity = Gravity::Center;        // g
    double gravity_x = 0.5, gravity_y = 0.5;  // for Gravity::Point, 0…1
    std::uint16_t rotate = 0;                 // rot: 0 90 180 270, clockwise
    Flip flip = Flip::None;
    double blur = 0;                      // sigma in pixels of the output, 0: none, 0.3…100
    std::optional<Rgba> background;       // bg
    bool animated = true;                 // anim: keep all frames when the output can
    bool auto_format = true;              // fm=auto (negotiated); false with fm=orig or an explicit format
    std::optional<Format> format;         // explicit fm; absent with auto or orig
    std::optional<std::uint8_t> quality;  // q, on the JPEG-like scale; absent: the configured default of the format
    std::optional<Target> target;         // q=auto; never together with a quality

    friend bool operator==(const Plan&, const Plan&) = default;

    // Anything that changes pixels or geometry (not format, quality)?
    bool has_visual_effect() const;
};

// A request for an image as its URL says it.
struct ImageRequest {
    Plan plan;
    std::string version;                    // v, "" when absent
    std::vector<std::string> ignored_keys;  // unknown keys, for X-Img-Notes
};

// Canonical text of a plan: defaults removed, keys in table order, decimals trimmed: "w=640&fit=cover&bg=ffffff".
// "fm=auto" is a default, written only when the text would hold no transform key without it (so never empty); the format that
// was negotiated is passed beside the text (see variant_recipe). parse_canonical(canonical(plan)) is plan again, for any plan
// within bounds whose decimals have at most four places.
// Defined in dialects/canonical.cc: the spelling of a key lives in one place.
std::string canonical(const Plan& plan);

// The recipe that identifies a variant together with its source's content: canonical operations and the chosen format and
// its effective quality, or the target in its place. Same text, same picture (for one encoder epoch; bytes differ by effort).
std::string variant_recipe(const Plan& plan, Format chosen, unsigned effective_quality);

}  // namespace selvage::transforms
