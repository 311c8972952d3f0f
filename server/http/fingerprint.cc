#include "server/http/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "server/http/word_likeness.h"

namespace selvage::http {
namespace {

using Kind = Fingerprint::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_base32(char c) { return is_upper(c) || (c >= '2' && c <= '7'); }
bool is_base36(char c) { return is_lower(c) || is_digit(c); }
bool is_base64url(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }

// ---- What tools write. A tool that writes another shape is one more row.

struct Tail {
    TailShape shape;
    std::string_view tools;
};
constexpr auto kTails = std::to_array<Tail>({
    {{Alphabet::Base64url, '-', 8}, "Vite, Rollup, Rolldown"},
    {{Alphabet::Base64url, '.', 8}, "Vite, Astro, SvelteKit"},
    {{Alphabet::Base64url, '\0', 8}, "Vite, Nuxt"},
    {{Alphabet::Base36, '-', 8}, "Bun"},
    {{Alphabet::Base32, '-', 8}, "esbuild, Angular, tsup"},
    {{Alphabet::Hex, '.', 8}, "webpack, Rspack, Parcel"},
    {{Alphabet::Hex, '-', 8}, "Propshaft, mdBook, rustdoc"},
    {{Alphabet::Hex, '\0', 8}, "webpack"},
    {{Alphabet::Hex, '.', 9}, "Rspack"},
    {{Alphabet::Hex, '.', 10}, "Rspack, Rsbuild"},
    {{Alphabet::Hex, '.', 12}, "Django"},
    {{Alphabet::Hex, '.', 16}, "webpack"},
    {{Alphabet::Hex, '-', 16}, "Next"},
    {{Alphabet::Hex, '_', 16}, "Hugo"},
    {{Alphabet::Hex, '\0', 16}, "Next, webpack"},
    {{Alphabet::Hex, '.', 20}, "webpack"},
    {{Alphabet::Hex, '-', 20}, "Gatsby, webpack"},
    {{Alphabet::Hex, '\0', 20}, "webpack"},
    {{Alphabet::Hex, '.', 32}, "webpack, Hugo"},
    {{Alphabet::Hex, '-', 32}, "Phoenix, Sprockets, Metro"},
    {{Alphabet::Hex, '\0', 32}, "webpack"},
    {{Alphabet::Hex, '.', 40}, "gulp-rev"},
    {{Alphabet::Hex, '-', 40}, "Sprockets"},
    {{Alphabet::Hex, '.', 64}, "Hugo"},
    {{Alphabet::Hex, '-', 64}, "Sprockets"},
    {{Alphabet::Hex, '\0', 64}, "content addresses"},
    {{Alphabet::Hex, '.', 96}, "Hugo"},
    {{Alphabet::Hex, '.', 128}, "Hugo"},
});

const Tail* row_of(const TailShape& shape) {
    const auto* row = std::ranges::find(kTails, shape, &Tail::shape);
    return row != kTails.end() ? row : nullptr;
}

bool is_of(Alphabet alphabet, char c) {
    switch (alphabet) {
        case Alphabet::None:
            return false;
        case Alphabet::Hex:
            return is_hex(c);
        case Alphabet::Base32:
            return is_base32(c);
        case Alphabet::Base36:
            return is_base36(c);
        case Alphabet::Base64url:
            return is_base64url(c);
    }
    return false;
}

bool all_of(std::string_view text, Alphabet alphabet) {
    return std::ranges::all_of(text, [alphabet](char c) { return is_of(alphabet, c); });
}

// ---- What people write

bool starts_with_date(std::string_view text) {  // (19|20)\d{6}
    return text.size() >= 8 && (text.starts_with("19") || text.starts_with("20")) &&
           std::ranges::all_of(text.substr(0, 8), is_digit);
}

// How surprising a text must be as a name that a person gave (word_likeness.h), to be called random: less than one hash in a
// hundred is not, and one name in a hundred of those with eight characters behind a separator is.
constexpr double kRandom = 46;
// To be believed without a vote. Of random base64url 92 % are, of base32 99 %; of 18,500 names of this shape in Debian, 5.
constexpr double kCertain = 50, kCertainBase32 = 47, kCertainSeparated = 54;
// Below it, it is something that a person wrote, whatever stands around it: 3 hashes of base64url in 1,000, of base32 fewer.
constexpr double kWritten = 44, kWrittenBase32 = 40;

// "MyBigCat", "bigCat": no random text has so little of digits and large letters by chance but one in a hundred.
bool is_camel_case(std::string_view text) {
    char before = 'a';
    for (const char c : text) {
        if (!is_letter(c) || (is_upper(c) && is_upper(before))) return false;
        before = c;
    }
    return is_lower(before);
}

struct Look {
    bool random = false;   // nobody would write that
    bool certain = false;  // by itself
};

Look look_at(std::string_view tail, Alphabet alphabet) {
    if (alphabet == Alphabet::None) return {};
    if (alphabet == Alphabet::Hex) {
        const bool mixed = std::ranges::any_of(tail, is_digit) && std::ranges::any_of(tail, is_letter);
        return {mixed, mixed && !starts_with_date(tail)};
    }
    const double surprise = surprise_of(tail);
    const auto separators = std::ranges::count_if(tail, [](char c) { return c == '-' || c == '_'; });
    if (separators > 3) return {};  // a rule of dashes; of random texts one in 100,000
    const double certain = alphabet == Alphabet::Base32 ? kCertainBase32 : separators > 0 ? kCertainSeparated : kCertain;
    return {surprise >= kRandom, surprise >= certain && !is_camel_case(tail)};
}

// ---- A name, judged by itself

struct Name {
    std::string_view stem;    // without its extension and what tools put between hash and extension
    std::uint32_t begin = 0;  // of the stem in the path
};

Fingerprint verdict(const Name& name, TailShape shape, Kind most) {
    Fingerprint found;
    const auto length = static_cast<std::uint32_t>(shape.length);
    const auto before = static_cast<std::uint32_t>(name.stem.size()) - length;
    const std::string_view tail = name.stem.substr(before);
    found.shape = shape;
    found.hash = {name.begin + before, length};
    const Look look = look_at(tail, shape.alphabet);
    found.random = look.random;
    found.kind = look.certain ? most : Kind::Possible;
    return found;
}

Fingerprint judge_hex_tail(const Name& name) {
    const std::string_view stem = name.stem;
    const auto last_other = std::find_if_not(stem.rbegin(), stem.rend(), is_hex);
    const auto length = static_cast<std::size_t>(last_other - stem.rbegin());
    if (last_other == stem.rend() || *last_other == '\0' || length + 1 >= stem.size() || length > 128) return {};
    const TailShape shape{Alphabet::Hex, *last_other, static_cast<std::uint8_t>(length)};
    return row_of(shape) != nullptr ? verdict(name, shape, Kind::Certain) : Fingerprint{};
}

// Eight characters after a separator. The tail is taken by its length first, as a hash may contain '-' and '_' itself.
Fingerprint judge_eight(const Name& name) {
    constexpr std::uint8_t kLength = 8;
    if (name.stem.size() < kLength + 2) return {};
    const char separator = name.stem[name.stem.size() - kLength - 1];
    const std::string_view tail = name.stem.substr(name.stem.size() - kLength);
    if (separator != '-' && separator != '.') return {};
    const bool chunk = name.stem.starts_with("chunk-");  // after which nobody writes words
    for (const Alphabet alphabet : {Alphabet::Base32, Alphabet::Base36, Alphabet::Base64url}) {
        const TailShape shape{alphabet, separator, kLength};
        if (row_of(shape) == nullptr || !all_of(tail, alphabet)) continue;
        Fingerprint found = verdict(name, shape, alphabet != Alphabet::Base36 || chunk ? Kind::Certain : Kind::Possible);
        if (chunk && !is_unlikely(tail, alphabet)) found.kind = Kind::Certain;
        return found;
    }
    return {};
}

// Nothing but a hash: it may be the number of a thing that changes.
Fingerprint judge_whole(const Name& name) {
    if (name.stem.size() > 128) return {};
    for (const Alphabet alphabet : {Alphabet::Hex, Alphabet::Base64url}) {
        const TailShape shape{alphabet, '\0', static_cast<std::uint8_t>(name.stem.size())};
        if (row_of(shape) == nullptr || !all_of(name.stem, alphabet)) continue;
        constexpr std::size_t kWebpack = 20;  // digits that nothing else has
        return verdict(name, shape, name.stem.size() == kWebpack ? Kind::Certain : Kind::Possible);
    }
    return {};
}

// ---- Folders that are given to hashed files

// "<16 hex>.css", "<16 hex>-s.p.woff2"
Fingerprint judge_next_whole(const Name& name) {
    constexpr std::uint8_t kHex = 16;
    const std::string_view first = name.stem.substr(0, kHex);
    if (first.size() != kHex || !all_of(first, Alphabet::Hex) || (name.stem.size() > kHex && name.stem[kHex] != '-')) return {};
    return verdict({first, name.begin}, {Alphabet::Hex, '\0', kHex}, Kind::Certain);
}

Fingerprint judge_turbopack(const Name& name) {
    constexpr std::uint8_t kLength = 13;
    constexpr std::string_view kRuntime = "turbopack-";
    const bool runtime = name.stem.starts_with(kRuntime);
    std::string_view tail = runtime ? name.stem.substr(kRuntime.size()) : name.stem;
    char separator = runtime ? '-' : '\0';
    if (tail.size() > kLength && tail[tail.size() - kLength - 1] == '.') {  // "media/name.<13>.svg"
        separator = '.';
        tail.remove_prefix(tail.size() - kLength);
    }
    const bool fits =
        tail.size() == kLength && std::ranges::all_of(tail, [](char c) { return is_base36(c) || c == '-' || c == '_'; });
    if (!fits) return {};
    Fingerprint found = verdict(name, {Alphabet::Base36, separator, kLength}, Kind::Certain);
    if (std::ranges::any_of(tail, is_digit)) found.kind = Kind::Certain;  // "react-refresh.js" of a development server has none
    return found;
}

Fingerprint by_folder(Fingerprint found, std::string_view rule, Kind kind) {
    found.kind = std::max(found.kind, kind);
    found.folder_rule = rule;
    return found;
}

Fingerprint better(Fingerprint one, Fingerprint other) { return one.kind >= other.kind ? one : other; }

Fingerprint judge_next(std::string_view path, std::size_t below, const Name& name, const Fingerprint& by_name) {
    constexpr std::string_view kRule = "/_next/static/";
    const std::string_view rest = path.substr(below);
    const std::string_view folder = rest.substr(0, rest.find('/'));
    if (folder.size() >= 20 && folder.size() < rest.size() && all_of(folder, Alphabet::Base64url)) {
        Fingerprint found = by_folder(by_name, kRule, Kind::Certain);
        found.build = {static_cast<std::uint32_t>(below), static_cast<std::uint32_t>(folder.size())};
        return found;
    }
    const Fingerprint whole = better(judge_next_whole(name), judge_turbopack(name));
    if (whole.kind != Kind::None) return by_folder(whole, kRule, Kind::None);
    return by_name.shape.alphabet == Alphabet::Hex ? by_folder(by_name, kRule, Kind::Certain) : Fingerprint{};
}

// SvelteKit, Nuxt and Next give whole folders to hashed files, whatever the name in them.
Fingerprint judge_by_folder(std::string_view path, const Name& name, const Fingerprint& by_name) {
    constexpr std::string_view kSvelteKit = "/_app/immutable/", kNext = "/_next/static/", kNuxt = "/_nuxt/";
    if (path.find(kSvelteKit) != std::string_view::npos) return by_folder(by_name, kSvelteKit, Kind::Certain);
    if (const std::size_t at = path.find(kNext); at != std::string_view::npos)
        return judge_next(path, at + kNext.size(), name, by_name);
    if (path.find(kNuxt) != std::string_view::npos && by_name.shape == TailShape{Alphabet::Base64url, '\0', 8}) {
        const bool word = is_unlikely(name.stem, Alphabet::Base64url);  // "/_nuxt/manifest.js"
        return by_folder(by_name, kNuxt, word ? Kind::Possible : Kind::Certain);
    }
    return {};
}

void strip_end(std::string_view& text, std::string_view ending) {
    if (text.ends_with(ending)) text.remove_suffix(ending.size());
}

// Empty for what is never fingerprinted.
Name name_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    std::string_view name = path.substr(begin);
    strip_end(name, ".map");
    strip_end(name, ".LICENSE.txt");
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return {};
    const std::string_view extension = name.substr(dot + 1);
    // A page is what people link to and edit: its name says nothing about its content.
    if (extension == "html" || extension == "htm" || extension == "xhtml") return {};
    std::string_view stem = name.substr(0, dot);
    for (const std::string_view ending : {".async", ".worker", ".chunk", ".entry", ".bundle", ".module", ".min"})
        strip_end(stem, ending);
    return {stem, static_cast<std::uint32_t>(begin)};
}

std::string_view framework_of(std::string_view folder_rule) {
    if (folder_rule == "/_app/immutable/") return "SvelteKit";
    return folder_rule == "/_nuxt/" ? "Nuxt" : "Next";
}

std::string_view characters_of(Alphabet alphabet) {
    switch (alphabet) {
        case Alphabet::None:
            return "characters";
        case Alphabet::Hex:
            return "hexadecimal digits";
        case Alphabet::Base32:
            return "characters of base32";
        case Alphabet::Base36:
            return "characters of base36";
        case Alphabet::Base64url:
            return "characters of base64url";
    }
    return {};
}

}  // namespace

bool is_unlikely(std::string_view hash, Alphabet alphabet) {
    if (alphabet != Alphabet::Hex) return surprise_of(hash) < (alphabet == Alphabet::Base32 ? kWrittenBase32 : kWritten);
    double chance = 1;
    if (std::ranges::all_of(hash, is_digit)) chance = std::pow(10.0 / 16, hash.size());
    if (std::ranges::all_of(hash, is_letter)) chance = std::pow(6.0 / 16, hash.size());
    if (starts_with_date(hash)) chance *= 0.02;  // two of the hundred that the first two digits can be
    return chance < 0.001;
}

bool TailShape::covers(const TailShape& other) const {
    if (length != other.length) return false;
    if (alphabet == other.alphabet || alphabet == Alphabet::Base64url) return true;
    return alphabet == Alphabet::Base36 && other.alphabet == Alphabet::Hex;
}

Fingerprint fingerprint_of(std::string_view path) {
    const Name name = name_of(path);
    if (name.stem.empty()) return {};
    const Fingerprint tail = better(judge_hex_tail(name), judge_eight(name));
    const Fingerprint by_name = tail.kind != Kind::None ? tail : judge_whole(name);
    return better(judge_by_folder(path, name, by_name), by_name);
}

std::string to_string(const TailShape& shape) {
    if (shape.length == 0) return {};
    const auto where = shape.separator == '\0' ? std::string("as the whole name") : fmt::format("after '{}'", shape.separator);
    return fmt::format("{} {} {}", shape.length, characters_of(shape.alphabet), where);
}

std::string to_string(const Fingerprint& fingerprint) {
    if (fingerprint.kind == Kind::None) return {};
    if (!fingerprint.folder_rule.empty())
        return fmt::format("path rule {} ({})", fingerprint.folder_rule, framework_of(fingerprint.folder_rule));
    const Tail* row = row_of(fingerprint.shape);
    return fmt::format("{} ({})", to_string(fingerprint.shape), row != nullptr ? row->tools : "unknown");
}

}  // namespace selvage::http
