#include "transforms/dialects/canonical_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "transforms/dialects/colour.h"

namespace selvage::transforms {
namespace {

template <typename Value>
struct Word {
    std::string_view text;
    Value value;
};

// Where two words have one value, the first is the canonical one.
constexpr Word<Fit> kFits[] = {{"inside", Fit::Inside}, {"cover", Fit::Cover},     {"crop", Fit::Crop},
                               {"pad", Fit::Pad},       {"outside", Fit::Outside}, {"stretch", Fit::Stretch}};

// "face" is "smart" until there is a detector.
constexpr Word<Gravity> kGravities[] = {{"center", Gravity::Center},
                                        {"top", Gravity::Top},
                                        {"bottom", Gravity::Bottom},
                                        {"left", Gravity::Left},
                                        {"right", Gravity::Right},
                                        {"top-left", Gravity::TopLeft},
                                        {"top-right", Gravity::TopRight},
                                        {"bottom-left", Gravity::BottomLeft},
                                        {"bottom-right", Gravity::BottomRight},
                                        {"smart", Gravity::Smart},
                                        {"auto", Gravity::Smart},
                                        {"face", Gravity::Smart},
                                        {"entropy", Gravity::Entropy}};

constexpr Word<std::uint16_t> kRotations[] = {{"0", 0}, {"90", 90}, {"180", 180}, {"270", 270}};
constexpr Word<Flip> kFlips[] = {{"h", Flip::Horizontal}, {"v", Flip::Vertical}, {"hv", Flip::Both}};
constexpr Word<bool> kSwitch[] = {{"0", false}, {"1", true}};

// Of the full table, but not built into this version; a name whose row in formats.cc can be saved is never looked up here.
constexpr std::string_view kDisabledFormats[] = {"best", "jxl", "json", "blurhash", "thumbhash", "lqip"};

template <typename Value>
std::string list(std::span<const Word<Value>> words) {
    std::string text;
    for (const auto& word : words) text += fmt::format("{}{}", text.empty() ? "" : ", ", word.text);
    return text;
}

template <typename Value, std::size_t Count>
Verdict read_word(const Word<Value> (&words)[Count], std::string_view text, Value& field) {
    const auto* word = std::ranges::find(words, text, &Word<Value>::text);
    if (word == std::end(words)) return Verdict::Invalid;
    field = word->value;
    return Verdict::Fine;
}

template <typename Value, std::size_t Count>
std::string print_word(const Word<Value> (&words)[Count], Value field, Value when_absent) {
    if (field == when_absent) return {};
    return std::string(std::ranges::find(words, field, &Word<Value>::value)->text);
}

// ---- sizes

std::string allowed_side(const DialectLimits& limits) { return fmt::format("1…{}", limits.max_side); }

Verdict read_side(std::string_view text, const DialectLimits& limits, std::uint32_t& field) {
    const auto pixels = parse_whole(text);
    if (!pixels || *pixels == 0) return Verdict::Invalid;
    if (*pixels > limits.max_side) return Verdict::TooLarge;
    field = *pixels;
    return Verdict::Fine;
}

Verdict read_width(std::string_view text, Draft& draft) { return read_side(text, draft.limits, draft.request.plan.width); }
Verdict read_height(std::string_view text, Draft& draft) { return read_side(text, draft.limits, draft.request.plan.height); }
std::string print_side(std::uint32_t pixels) { return pixels == 0 ? std::string() : fmt::to_string(pixels); }
std::string print_width(const Plan& plan) { return print_side(plan.width); }
std::string print_height(const Plan& plan) { return print_side(plan.height); }

std::string allowed_dpr(const DialectLimits& limits) { return fmt::format("0.5…{}", limits.max_dpr); }
Verdict read_dpr(std::string_view text, Draft& draft) {
    const auto factor = parse_decimal(text);
    if (!factor || *factor < 0.5_dec) return Verdict::Invalid;
    if (*factor > Decimal{draft.limits.max_dpr * Decimal::kOne}) return Verdict::TooLarge;
    draft.dpr = *factor;
    return Verdict::Fine;
}
std::string never_printed(const Plan&) { return {}; }

std::string allowed_fit(const DialectLimits&) { return list<Fit>(kFits); }
Verdict read_fit(std::string_view text, Draft& draft) { return read_word(kFits, text, draft.request.plan.fit); }
std::string print_fit(const Plan& plan) { return print_word(kFits, plan.fit, Fit::Inside); }

std::string allowed_switch(const DialectLimits&) { return list<bool>(kSwitch); }
Verdict read_up(std::string_view text, Draft& draft) { return read_word(kSwitch, text, draft.request.plan.enlarge); }
std::string print_up(const Plan& plan) { return print_word(kSwitch, plan.enlarge, false); }

// ---- gravity

std::string allowed_gravity(const DialectLimits&) { return list<Gravity>(kGravities) + ", or X,Y each 0…1"; }

Verdict read_gravity(std::string_view text, Draft& draft) {
    auto& plan = draft.request.plan;
    const auto comma = text.find(',');
    if (comma == text.npos) return read_word(kGravities, text, plan.gravity);
    const auto x = parse_decimal(text.substr(0, comma));
    const auto y = parse_decimal(text.substr(comma + 1));
    if (!x || !y || *x > 1_dec || *y > 1_dec) return Verdict::Invalid;
    plan.gravity = Gravity::Point;
    plan.gravity_x = x->value();
    plan.gravity_y = y->value();
    return Verdict::Fine;
}

std::string print_gravity(const Plan& plan) {
    if (plan.gravity == Gravity::Point) return fmt::format("{},{}", print_decimal(plan.gravity_x), print_decimal(plan.gravity_y));
    return print_word(kGravities, plan.gravity, Gravity::Center);
}

// ---- orientation

std::string allowed_rotation(const DialectLimits&) { return list<std::uint16_t>(kRotations); }
Verdict read_rotation(std::string_view text, Draft& draft) { return read_word(kRotations, text, draft.request.plan.rotate); }
std::string print_rotation(const Plan& plan) { return print_word(kRotations, plan.rotate, std::uint16_t{0}); }

std::string allowed_flip(const DialectLimits&) { return list<Flip>(kFlips); }
Verdict read_flip(std::string_view text, Draft& draft) { return read_word(kFlips, text, draft.request.plan.flip); }
std::string print_flip(const Plan& plan) { return print_word(kFlips, plan.flip, Flip::None); }

// ---- output

std::string allowed_format(const DialectLimits&) {
    std::string text = "auto, orig";
    for (const auto& row : kFormats)
        if (row.can_save) text += fmt::format(", {}", row.name);
    return text;
}

Verdict read_format(std::string_view text, Draft& draft) {
    auto& plan = draft.request.plan;
    plan.auto_format = text == "auto";
    if (plan.auto_format || text == "orig") return Verdict::Fine;
    plan.format = format_named(text);
    if (plan.format && row_of(*plan.format).can_save) return Verdict::Fine;
    return std::ranges::find(kDisabledFormats, text) != std::end(kDisabledFormats) ? Verdict::Disabled : Verdict::Invalid;
}

std::string print_format(const Plan& plan) {
    if (plan.format) return std::string(row_of(*plan.format).name);
    return plan.auto_format ? "" : "orig";
}

constexpr Word<std::optional<Target>> kTargets[] = {{"auto", Target::Good},
                                                    {"auto:good", Target::Good},
                                                    {"auto:low", Target::Low},
                                                    {"auto:eco", Target::Eco},
                                                    {"auto:best", Target::Best}};

std::string allowed_quality(const DialectLimits&) { return "1…100, auto, auto:low, auto:eco, auto:good, auto:best"; }

Verdict read_quality(std::string_view text, Draft& draft) {
    if (text.starts_with("auto")) return read_word(kTargets, text, draft.request.plan.target);
    const auto quality = parse_whole(text);
    if (!quality || *quality < 1 || *quality > 100) return Verdict::Invalid;
    draft.request.plan.quality = static_cast<std::uint8_t>(*quality);
    return Verdict::Fine;
}

std::string print_quality(const Plan& plan) {
    if (plan.target) return print_word(kTargets, plan.target, std::optional<Target>());
    return plan.quality ? fmt::to_string(unsigned{*plan.quality}) : std::string();
}

Verdict read_animated(std::string_view text, Draft& draft) { return read_word(kSwitch, text, draft.request.plan.animated); }
std::string print_animated(const Plan& plan) { return print_word(kSwitch, plan.animated, true); }

// ---- appearance

std::string allowed_background(const DialectLimits&) { return "none, hex of 3, 4, 6 or 8 digits, or a CSS colour name"; }

Verdict read_background(std::string_view text, Draft& draft) {
    auto& background = draft.request.plan.background;
    background = text == "none" ? std::nullopt : parse_colour(text);
    return background || text == "none" ? Verdict::Fine : Verdict::Invalid;
}

std::string print_background(const Plan& plan) { return plan.background ? print_colour(*plan.background) : std::string(); }

std::string allowed_blur(const DialectLimits&) { return "0.3…100"; }

Verdict read_blur(std::string_view text, Draft& draft) {
    const auto sigma = parse_decimal(text);
    if (!sigma || *sigma < 0.3_dec || *sigma > 100_dec) return Verdict::Invalid;
    draft.request.plan.blur = sigma->value();
    return Verdict::Fine;
}

std::string print_blur(const Plan& plan) { return plan.blur > 0 ? print_decimal(plan.blur) : std::string(); }

// ---- caching

std::string allowed_version(const DialectLimits&) { return "1…64 of A-Z a-z 0-9 . _ ~ -"; }

Verdict read_version(std::string_view text, Draft& draft) {
    constexpr std::string_view kPunctuation = "._~-";
    const auto fits = [&](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kPunctuation.contains(c);
    };
    if (text.size() > 64 || !std::ranges::all_of(text, fits)) return Verdict::Invalid;
    draft.request.version = text;
    return Verdict::Fine;
}

}  // namespace

// clang-format off
const std::array<KeyRow, 14> kCanonicalKeys = {{
    // key, aliases, role, allowed, read, print
    {"w",    {"width"},                Role::Transform, allowed_side,       read_width,      print_width},
    {"h",    {"height"},               Role::Transform, allowed_side,       read_height,     print_height},
    {"dpr",  {},                       Role::Transform, allowed_dpr,        read_dpr,        never_printed},  // folded into w and h
    {"fit",  {},                       Role::Transform, allowed_fit,        read_fit,        print_fit},
    {"up",   {"enlarge", "upscale"},   Role::Control,   allowed_switch,     read_up,         print_up},
    {"g",    {"gravity", "pos"},       Role::Control,   allowed_gravity,    read_gravity,    print_gravity},
    {"rot",  {"rotate"},               Role::Transform, allowed_rotation,   read_rotation,   print_rotation},
    {"flip", {},                       Role::Transform, allowed_flip,       read_flip,       print_flip},
    {"fm",   {"format", "f", "output"}, Role::Transform, allowed_format,    read_format,     print_format},
    {"q",    {"quality"},              Role::Transform, allowed_quality,    read_quality,    print_quality},
    {"anim", {},                       Role::Control,   allowed_switch,     read_animated,   print_animated},
    {"bg",   {},                       Role::Control,   allowed_background, read_background, print_background},
    {"blur", {},                       Role::Transform, allowed_blur,       read_blur,       print_blur},
    {"v",    {"ver", "_v", "cb"},      Role::Control,   allowed_version,    read_version,    never_printed},  // not of the image
}};
// clang-format on

const KeyRow* canonical_key(std::string_view written) {
    if (written.empty()) return nullptr;  // an unused alias is empty
    const auto* row = std::ranges::find_if(kCanonicalKeys, [&](const KeyRow& candidate) {
        return candidate.key == written || std::ranges::find(candidate.aliases, written) != candidate.aliases.end();
    });
    return row == kCanonicalKeys.end() ? nullptr : row;
}

}  // namespace selvage::transforms
