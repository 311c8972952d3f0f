#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/catalogue/catalogue.h"

namespace selvage::server {

// A file that a server would serve.
struct ServedFile {
    std::string path;  // as in a URL, decoded: "/assets/app.js"
    std::uint64_t size = 0;
};

// All files below a folder that are served and are no sidecars of others, the largest first: so that several jobs end together.
// Hidden ones are left out but for "/.well-known/", links to folders are not followed. Blocks. Errors: NotFound.
Result<std::vector<ServedFile>> served_files(const std::string& root);

enum class Others : std::uint8_t { Keep, Replace };  // sidecars that others made

// Puts `coded` beside root + path, under its name and the coding's extension; whole or not at all. It has the file's own time, so
// that it counts as not older. It is marked as ours by the extended attribute "user.selvage.sidecar": a later run replaces it.
// Errors: Forbidden when there is one without the mark and it is to be kept; Internal.
Result<void> write_sidecar(const std::string& root, const catalogue::Source& source, transforms::Coding coding,
                           std::string_view coded, Others others);

}  // namespace selvage::server
