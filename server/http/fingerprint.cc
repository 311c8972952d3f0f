#include "server/http/fingerprint.h"

#include <algorithm>
#include <array>

namespace selvage::http {
namespace {

using enum Fingerprint;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_base32(char c) { return is_upper(c) || (c >= '2' && c <= '7'); }
bool is_base64url(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }
bool is_base36(char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; }

bool starts_with_date(std::string_view text) {  // (19|20)\d{6}
    return text.size() >= 8 && (text.starts_with("19") || text.starts_with("20")) &&
           std::ranges::all_of(text.substr(0, 8), is_digit);
}

// The parts that a reader would see: a run of digits, a hump of letters ("Final", "XML", "Http"). Separators end a part.
// Names made by people have few of them in eight characters; hashes have many.
std::size_t readable_parts(std::string_view text) {
    enum class Seen { Nothing, Digit, Upper, Lower };
    auto before = Seen::Nothing;
    std::size_t parts = 0;
    for (const char c : text) {
        const auto now = is_digit(c) ? Seen::Digit : is_upper(c) ? Seen::Upper : is_lower(c) ? Seen::Lower : Seen::Nothing;
        const bool same_part = now == before || (before == Seen::Upper && now == Seen::Lower);
        if (now != Seen::Nothing && !same_part) ++parts;
        before = now;
    }
    return parts;
}

// webpack, Rspack, Parcel, Next, Gatsby, Sprockets, Propshaft, Phoenix, Django, Hugo, mdBook, rustdoc.
Fingerprint judge_hex(std::string_view tail) {
    const bool digits = std::ranges::any_of(tail, is_digit);
    const bool letters = std::ranges::any_of(tail, is_letter);
    return digits && letters && !starts_with_date(tail) ? Certain : Possible;
}

// esbuild, Angular, tsup. A single word with a number after it ("EDITION2") is no hash for sure; after "chunk-" nobody writes
// words.
Fingerprint judge_base32(std::string_view stem, std::string_view tail) {
    if (std::ranges::all_of(tail, is_digit)) return Possible;
    if (stem.starts_with("chunk-")) return Certain;
    return std::ranges::any_of(tail, is_digit) && readable_parts(tail) >= 3 ? Certain : Possible;
}

// Vite, Rollup, Rolldown, Astro. Both cases and at least four parts: a word, two words, a word with a number or a version never
// has.
Fingerprint judge_base64url(std::string_view tail) {
    const bool both_cases = std::ranges::any_of(tail, is_upper) && std::ranges::any_of(tail, is_lower);
    return both_cases && readable_parts(tail) >= 4 ? Certain : Possible;
}

// Hash lengths by the separator before them.
constexpr auto kHexAfterDot = std::to_array<std::size_t>({64, 40, 32, 20, 16, 12, 10, 9, 8});
constexpr auto kHexAfterDash = std::to_array<std::size_t>({64, 40, 32, 20, 16, 8});

bool length_fits(char separator, std::size_t length) {
    if (separator == '.') return std::ranges::find(kHexAfterDot, length) != kHexAfterDot.end();
    return separator == '-' && std::ranges::find(kHexAfterDash, length) != kHexAfterDash.end();
}

Fingerprint judge_hex_tail(std::string_view stem) {
    const auto last_other = std::find_if_not(stem.rbegin(), stem.rend(), is_hex);
    const auto length = static_cast<std::size_t>(last_other - stem.rbegin());
    if (last_other == stem.rend() || length + 1 >= stem.size() || !length_fits(*last_other, length)) return None;
    return judge_hex(stem.substr(stem.size() - length));
}

// Eight characters after a separator. The tail is taken by its length first, as a hash may contain '-' and '_' itself.
Fingerprint judge_eight(std::string_view stem) {
    constexpr std::size_t kLength = 8;
    if (stem.size() < kLength + 2) return None;
    const char separator = stem[stem.size() - kLength - 1];
    const std::string_view tail = stem.substr(stem.size() - kLength);
    if (separator != '-' && separator != '.') return None;
    if (separator == '-' && std::ranges::all_of(tail, is_base32)) return judge_base32(stem, tail);
    return std::ranges::all_of(tail, is_base64url) ? judge_base64url(tail) : None;
}

// SvelteKit, Nuxt and Next give whole folders to hashed files, whatever the name in them.
Fingerprint judge_next(std::string_view below, std::string_view stem) {
    const std::string_view folder = below.substr(0, below.find('/'));
    const bool build = folder.size() >= 20 && folder.size() < below.size() && std::ranges::all_of(folder, is_base64url);
    if (build) return Certain;
    const std::string_view first = stem.substr(0, 16);  // "<16 hex>.css", "<16 hex>-s.p.woff2"
    const bool hashed_whole = first.size() == 16 && std::ranges::all_of(first, is_hex) && (stem.size() == 16 || stem[16] == '-');
    if (hashed_whole) return judge_hex(first);
    constexpr std::size_t kTurbopack = 13;
    const std::string_view tail = stem.starts_with("turbopack-") ? stem.substr(10) : stem;
    if (tail.size() != kTurbopack || !std::ranges::all_of(tail, is_base36)) return None;
    return std::ranges::any_of(tail, is_digit) && readable_parts(tail) >= 3 ? Certain : Possible;
}

Fingerprint judge_by_folder(std::string_view path, std::string_view stem) {
    constexpr std::string_view kNext = "/_next/static/";
    if (path.find("/_app/immutable/") != std::string_view::npos) return Certain;
    if (const std::size_t at = path.find(kNext); at != std::string_view::npos)
        return judge_next(path.substr(at + kNext.size()), stem);
    const bool nuxt = path.find("/_nuxt/") != std::string_view::npos;
    if (nuxt && stem.size() == 8 && std::ranges::all_of(stem, is_base64url)) {
        return std::ranges::all_of(stem, is_lower) ? Possible : Certain;  // "/_nuxt/manifest.js"
    }
    return None;
}

void strip_end(std::string_view& text, std::string_view ending) {
    if (text.ends_with(ending)) text.remove_suffix(ending.size());
}

// The name without its extension and what tools put between hash and extension; empty for what is never fingerprinted.
std::string_view stem_of(std::string_view name) {
    strip_end(name, ".map");
    strip_end(name, ".LICENSE.txt");
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return {};
    const std::string_view extension = name.substr(dot + 1);
    // A page is what people link to and edit: its name says nothing about its content.
    if (extension == "html" || extension == "htm" || extension == "xhtml") return {};
    std::string_view stem = name.substr(0, dot);
    for (const std::string_view ending : {".chunk", ".entry", ".bundle", ".min"}) strip_end(stem, ending);
    return stem;
}

}  // namespace

Fingerprint fingerprint_of(std::string_view path) {
    const std::string_view stem = stem_of(path.substr(path.rfind('/') + 1));
    if (stem.empty()) return None;
    return std::max({judge_by_folder(path, stem), judge_hex_tail(stem), judge_eight(stem)});
}

}  // namespace selvage::http
