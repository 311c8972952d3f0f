#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "server/catalogue/catalogue.h"
#include "server/catalogue/content.h"
#include "server/origins/folder.h"
#include "server/origins/folder_file.h"

namespace selvage::catalogue {

inline constexpr std::uint64_t kLargestVerified = 32ULL << 20;  // bytes, decoded: beyond it a sidecar is not used

// "/a.js.br" → "/a.js"; nothing for a name that is no sidecar's.
std::optional<std::string_view> base_of_sidecar(std::string_view path);

// A file beside another that may be its coded form: same name, a coding's extension, not older (in whole seconds, as tools copy
// times with no more than that).
struct SidecarFile {
    transforms::Coding coding;
    std::string path;
    origins::Found found;
};
struct SidecarFiles {
    std::vector<SidecarFile> usable;
    std::vector<origins::FileVersion> evidence;  // one per coding, all zero where there is none
    bool through_link = false;
};
SidecarFiles find_sidecars(const origins::Folder& folder, const std::string& path, const origins::FileVersion& base);

struct SidecarContext {
    std::shared_ptr<const origins::Folder> folder;
    std::shared_ptr<origins::OpenFiles> open_files;
    Log& log;
    std::uint64_t memory_file;
    std::uint64_t memory_bytes;
    MemoryShare::Used used;
    std::int64_t wall_ns;
};

// Reads each and decodes it; those that give exactly the content they stand beside are returned, the others are logged and left
// alone. Blocks. Bytes that are kept are added to `shares`.
std::vector<Sidecar> verify_sidecars(std::vector<SidecarFile> files, const Sha256& content, std::uint64_t size,
                                     const SidecarContext& context, std::vector<MemoryShare>& shares);

}  // namespace selvage::catalogue
