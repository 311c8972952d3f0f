#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/fingerprint.h"

// Which files of successive builds are versions of one thing, and which of them serve as dictionaries for what comes after them.
// Pure. Source: static-delivery §5; RFC 9842 §2.1.
namespace selvage::releases {

// For what a file is offered as a dictionary.
enum class Offering : std::uint8_t {
    None,
    Lineage,  // the largest of its lineage
    Place,    // the largest script or style sheet of its folder: for all that will be in it
    // Told by who indexes, as a site wants it (site.page_deltas, site.dictionary):
    Page,  // a page: for the pages of its folder, and below it
    Site,  // what pages have in common, made of them: for all pages
};
inline bool is_for_pages(Offering offering) { return offering == Offering::Page || offering == Offering::Site; }

// A path taken apart around what changes from build to build: "/assets/index-" and ".js". Equal for two paths that are versions
// of one thing. A folder that is named after the build is one NUL byte, which no path has.
struct Lineage {
    std::string before;   // of the path, up to the hash; all of it when nothing changes in the name
    std::string after;    // what follows the hash
    bool varies = false;  // there is a hash between the two

    friend auto operator<=>(const Lineage&, const Lineage&) = default;
};
Lineage lineage_of(std::string_view path, const http::Fingerprint& fingerprint);

// Where files advertise for a whole folder: its path (the build's name as in a Lineage), and ".js" or ".css". Nothing for other
// types, which have no anchor.
struct Place {
    std::string folder;  // "/assets/"
    std::string_view ending;

    friend auto operator<=>(const Place&, const Place&) = default;
};
std::optional<Place> place_of(std::string_view path, const http::Fingerprint& fingerprint);

// The URL pattern of all that a lineage, or a place, will have: metacharacters escaped, bytes that may not stand in a URL
// percent-encoded. Nothing when it is longer than 1,024 bytes.
std::optional<std::string> match_of(const Lineage& lineage);
std::optional<std::string> match_of(const Place& place);
// Of all pages in the folder of this one, and below it; "/*" for what is made of all of them.
std::optional<std::string> match_of_pages(std::string_view path, Offering offering);

inline constexpr std::uint64_t kSmallestDictionary = 1 << 10, kLargestDictionary = 8 << 20;  // bytes
inline constexpr std::size_t kLargestGroup = 16;  // files of one lineage in one build; beyond it none of them advertises

// A file of a build, as far as it matters here.
struct Candidate {
    std::string_view path;
    std::uint64_t size = 0;
    bool compressible = false;
    http::Fingerprint fingerprint;
    Lineage lineage;
};

// What each file of one build offers, in their order. Equal sizes: the first path.
std::vector<Offering> offerings_of(std::span<const Candidate> build);

}  // namespace selvage::releases
