#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "transforms/dialects/canonical.h"
#include "transforms/dialects/decimal.h"
#include "transforms/plan.h"

namespace selvage::transforms {

enum class Role : std::uint8_t {
    Transform,  // its presence asks for a transform
    Control,    // alone it does not
};

enum class Verdict : std::uint8_t {
    Fine,
    Invalid,   // invalid_param
    TooLarge,  // too_large
    Disabled,  // format_disabled: a format we know but do not make
};

// A request while its query is read. Sizes are as written until dpr is folded in at the end.
struct Draft {
    ImageRequest request;
    Decimal dpr = 1_dec;
    DialectLimits limits;
};

// One key of the canonical grammar.
struct KeyRow {
    std::string_view key;
    std::array<std::string_view, 3> aliases;  // unused ones are empty
    Role role;
    std::string (*allowed)(const DialectLimits& limits);   // for people: "1…8192", "inside, cover, …"
    Verdict (*read)(std::string_view text, Draft& draft);  // text: decoded, not empty
    std::string (*print)(const Plan& plan);                // canonical value; "" for the default or what is not in the form
};

// In the order of the table of image-urls §1.2, which is the order of the canonical form.
extern const std::array<KeyRow, 14> kCanonicalKeys;

// By key or alias, as written; null when unknown.
const KeyRow* canonical_key(std::string_view written);

}  // namespace selvage::transforms
