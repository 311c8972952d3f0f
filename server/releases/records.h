#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"
#include "server/releases/lineage.h"

// What is remembered of a root's releases over restarts: CACHE/releases/NAME, NAME being 32 hexadecimal digits of the root's
// path.
//
//   records  = first line "selvage releases 1", line "root" SP path, *file, line "end" SP 16 hexadecimal digits
//   file     = content SP size SP modified SP since SP first SP last SP gone SP flags SP path LF
//
// Numbers are decimal; times are seconds since 1970. content: 64 hexadecimal digits. first, last: numbers of the releases that it
// was in. gone: when it was first missed; 0 while the folder has it. flags: letters, "f" fingerprinted, "c" compressible, "l"
// offered for its lineage, "p" for its place, "d" for the pages (documents) of its folder, "s" made for all of the site's, "-"
// none of them. The digits at the end are the XXH3-64 of all before them.
namespace selvage::releases {

// A content that a path has or had.
struct Record {
    std::string path;  // normalised, without control bytes
    Sha256 content;
    std::uint64_t size = 0;
    WallTime modified;
    WallTime since;                // first seen
    std::uint64_t first = 0;       // release that brought it
    std::uint64_t last = 0;        // release that had it last
    std::optional<WallTime> gone;  // nothing: the folder has it
    bool fingerprinted = false;
    bool compressible = false;
    Offering offering = Offering::None;
    friend bool operator==(const Record&, const Record&) = default;
};

// 64 lower-case hexadecimal digits.
std::optional<Sha256> parse_sha256(std::string_view digits);

// Roots with control bytes in their path are not written rightly, and not read.
std::string write_records(std::string_view root, const std::vector<Record>& records);

// Errors: BadRequest, saying what is wrong: a form of another version or root, a wrong checksum, a line that is none.
Result<std::vector<Record>> read_records(std::string_view root, std::string_view text);

}  // namespace selvage::releases
