#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace selvage::http {

// The characters that a tool writes a hash with.
enum class Alphabet : std::uint8_t { None, Hex, Base32, Base36, Base64url };

// What the place of a hash in a name looks like: the same for all that one tool writes with one setting.
struct TailShape {
    Alphabet alphabet = Alphabet::None;
    char separator = '\0';    // '-', '.' or '_', before the hash; '\0': the name begins with it
    std::uint8_t length = 0;  // of the hash, in characters

    // Could a hash as in this shape have come out as in `other`? Of 64 characters eight may happen to be all upper case. One tool
    // writes its hashes in one way, but not always behind the same separator: "main.<hash>.js", "<hash>.svg".
    bool covers(const TailShape& other) const;
    friend bool operator==(const TailShape&, const TailShape&) = default;
};

// A part of a path, in bytes. Length 0: none.
struct Place {
    std::uint32_t offset = 0, length = 0;

    std::string_view of(std::string_view path) const { return path.substr(offset, length); }
    friend bool operator==(const Place&, const Place&) = default;
};

// Does a file's name contain a hash of its content, as build tools write it? Such a file never changes under its name.
struct Fingerprint {
    enum class Kind : std::uint8_t {
        None,
        // The shape of one, but also of a word, a number or a date: counts only when its folder votes for it
        // (catalogue/folder_votes.h).
        Possible,
        Certain,
    };
    using enum Kind;

    Kind kind = None;
    bool random = false;  // the hash by itself looks like nothing that a person would write
    TailShape shape;      // of the name; none where only the folder tells
    // Of the path: what lies before `hash` ends with the separator ("/assets/index-"), what lies behind it is the ending
    // (".chunk.js", ".js.map"). Length 0 for a name without a hash in a folder that gives only such files
    // ("/_app/immutable/nodes/0.js").
    Place hash;
    Place build;                   // of the path: a folder that is named after the build ("/_next/static/<build>/…")
    std::string_view folder_rule;  // what the path has in it that gives the verdict, "/_app/immutable/"; empty: the name does
};

// By the path alone, which is normalised; total, without allocation. Source: static-delivery §2.
Fingerprint fingerprint_of(std::string_view path);

inline bool is_fingerprinted(std::string_view path) { return fingerprint_of(path).kind == Fingerprint::Certain; }

// Would so plain a text (a word, a date, digits alone) be a hash of this alphabet less than once in some hundred times? Then it
// is something else, whatever stands around it: "hero-overview.jpg" among the files of Vite.
bool is_unlikely(std::string_view hash, Alphabet alphabet);

// In words: "8 characters of base64url after '-' (Vite, Rollup)", "path rule /_app/immutable/ (SvelteKit)". Empty for None.
std::string to_string(const Fingerprint& fingerprint);
// "8 characters of base64url after '-'", "8 hexadecimal digits as the whole name".
std::string to_string(const TailShape& shape);

}  // namespace selvage::http
