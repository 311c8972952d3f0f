#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "transforms/formats.h"

namespace selvage::server {

// One image that `selvage transform` reads.
struct SourceFile {
    std::string path;     // "-": standard input
    std::string folder;   // below the folder that was named, without slashes at its ends; else empty
    std::string stem;     // its name without the extension
    bool listed = false;  // found in a folder or by a glob
};

enum class Folders : std::uint8_t { Flat, Recursive };

// The files that are meant: each one named, of a folder those with an extension of an image (hidden ones and links to folders
// left out), and what a glob matches that the shell did not expand (`*`, `?`, `[…]`; not `**`). In order of their names. Errors:
// NotFound, naming what there is not.
Result<std::vector<SourceFile>> find_sources(std::span<const std::string> inputs, Folders folders);

// Does the name end as those of images do?
bool has_image_extension(std::string_view path);

// Where results go.
//
//   OUT := "-"                       standard output
//        | a folder, or PATH "/"     OUT/{dir}/{name}.{ext}
//        | PATH with {dir} {name} {ext}
//        | PATH                      that file
//
// {name} is the source's name without its extension, {ext} the extension of the result's format, {dir} the source's folder below
// the one that was named (empty, and no slash after it, for a file that was named itself).
class OutputPattern {
public:
    // `several`: more than one result; OUT is then a folder when it is no pattern.
    // Errors: BadRequest for an unknown {word}, and where several results would be one.
    static Result<OutputPattern> parse(std::string_view text, bool several);

    bool standard_output() const { return pattern_ == "-"; }
    std::string path_for(const SourceFile& source, transforms::Format format) const;
    // What the extension says, when it is written out and one of an output format.
    std::optional<transforms::Format> format() const;

private:
    std::string pattern_;
};

enum class Existing : std::uint8_t { Keep, Replace };

// Writes a file whole or not at all: under another name, then renamed. Folders are made as needed.
// Errors: Forbidden when it exists and is to be kept; Internal.
Result<void> write_whole(const std::string& path, std::string_view bytes, Existing existing);

// A file, or all of standard input for "-". Errors: NotFound; TooLarge above `most` bytes.
Result<std::string> read_whole(const std::string& path, std::uint64_t most);

}  // namespace selvage::server
