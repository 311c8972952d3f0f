#include "server/catalogue/sidecars.h"

#include <utility>

namespace selvage::catalogue {
namespace {

using origins::Found;

bool not_older(const origins::FileVersion& sidecar, const origins::FileVersion& base) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    return sidecar.modified_ns / kSecond >= base.modified_ns / kSecond;
}

// Errors: what is wrong with it, for the log.
Result<void> check_decodes_to(const transforms::CodingRow& row, std::string_view coded, const Sha256& content,
                              std::uint64_t size) {
    const std::string decoded = TRY(row.decode(coded, static_cast<std::size_t>(size)));
    if (decoded.size() == size && sha256(decoded) == content) return {};
    return fail(ErrorKind::Unprocessable, "it does not decode to the file beside it");
}

std::optional<Sidecar> verify(SidecarFile& file, const Sha256& content, std::uint64_t size, const SidecarContext& context,
                              std::vector<MemoryShare>& shares) {
    // A coded form larger than its content is of no use, and reading it would be unbounded work.
    if (size > kLargestVerified || file.found.version.size > size) return std::nullopt;
    auto read = read_content(file.found.descriptor.number(), {.keep = true}, context.wall_ns);
    const auto checked = read ? check_decodes_to(transforms::row_of(file.coding), read->bytes->view(), content, size)
                              : Result<void>(std::unexpected(read.error()));
    if (!checked) {
        context.log.warn("catalogue", "{}{} is not used: {}", context.folder->root(), file.path, checked.error().detail);
        return std::nullopt;
    }
    file.found.version = read->version;
    Sidecar sidecar{.coding = file.coding, .file = {}, .bytes = {}, .size = read->version.size, .verified = true};
    if (sidecar.size <= context.memory_file) {
        auto share = MemoryShare::take(context.used, sidecar.size, context.memory_bytes);
        if (share.bytes() != 0) {
            sidecar.bytes = std::move(read->bytes);
            shares.push_back(std::move(share));
        }
    }
    sidecar.file = origins::open_folder_file(context.folder, std::move(file.path), std::move(file.found), read->facts.hash,
                                             context.open_files);
    return sidecar;
}

}  // namespace

std::optional<std::string_view> base_of_sidecar(std::string_view path) {
    for (const auto& row : transforms::kCodings) {
        if (path.ends_with(row.extension)) return path.substr(0, path.size() - row.extension.size());
    }
    return std::nullopt;
}

SidecarFiles find_sidecars(const origins::Folder& folder, const std::string& path, const origins::FileVersion& base) {
    SidecarFiles files;
    for (const auto& row : transforms::kCodings) {
        std::string name = path + std::string(row.extension);
        auto found = folder.look(name);
        const bool there = found && found->kind == Found::Kind::File;
        files.evidence.push_back(there ? found->version : origins::FileVersion{});
        if (!there) continue;
        files.through_link = files.through_link || found->through_link;
        if (not_older(found->version, base))
            files.usable.push_back({.coding = row.coding, .path = std::move(name), .found = *std::move(found)});
    }
    return files;
}

std::vector<Sidecar> verify_sidecars(std::vector<SidecarFile> files, const Sha256& content, std::uint64_t size,
                                     const SidecarContext& context, std::vector<MemoryShare>& shares) {
    std::vector<Sidecar> verified;
    for (SidecarFile& file : files) {
        if (auto sidecar = verify(file, content, size, context, shares)) verified.push_back(*std::move(sidecar));
    }
    return verified;
}

}  // namespace selvage::catalogue
