#include "server/explain_names.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "server/catalogue/folder_votes.h"
#include "server/origins/folder.h"

namespace selvage::server {

namespace {

using catalogue::Standing;
using http::Fingerprint;

constexpr std::size_t kFolders = 1U << 20;  // none is listed twice

struct Counts {
    std::uint64_t files = 0, fingerprinted = 0, denied = 0;
    std::map<std::string, std::uint64_t> by_rule;
};

std::string reason(const Standing& standing) {
    std::string text = to_string(standing.fingerprint);
    if (standing.vote) text += "; " + to_string(*standing.vote);
    return text;
}

void print(const std::string& path, const Standing& standing, bool json) {
    if (json) {
        const nlohmann::ordered_json document = {{"path", path},
                                                 {"fingerprinted", standing.fingerprinted},
                                                 {"kind", static_cast<int>(standing.fingerprint.kind)},
                                                 {"why", reason(standing)}};
        fmt::print("{}\n", document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else if (standing.fingerprint.kind != Fingerprint::None) {
        fmt::print("{}  {}  {}\n", standing.fingerprinted ? "fingerprinted" : "-            ", path, reason(standing));
    }
}

void count(Counts& counts, const Standing& standing) {
    ++counts.files;
    if (standing.fingerprinted) {
        ++counts.fingerprinted;
        ++counts.by_rule[to_string(standing.fingerprint)];
    } else if (standing.fingerprint.kind == Fingerprint::Possible) {
        ++counts.denied;
    }
}

void walk(const origins::Folder& folder, Counts& counts, bool json) {
    namespace fs = std::filesystem;
    catalogue::FolderVotes votes(kFolders);
    const auto now = std::chrono::steady_clock::now();
    std::error_code error;
    fs::recursive_directory_iterator entry(folder.root(), fs::directory_options::skip_permission_denied, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        const std::string path = entry->path().string().substr(folder.root().size());
        const std::string url = path.starts_with('/') ? path : "/" + path;
        if (!origins::may_be_served(url)) {
            entry.disable_recursion_pending();
            continue;
        }
        std::error_code unreadable;
        if (!entry->is_regular_file(unreadable)) continue;
        const Standing standing = votes.judge(folder, url, true, now);  // nothing changes meanwhile that we would tell of
        count(counts, standing);
        print(url, standing, json);
    }
}

}  // namespace

int explain_names(const config::Config& config, bool json) {
    Counts counts;
    for (const config::Site& site : config.sites) {
        const auto folder = origins::Folder::open(site.root, {.follow_symlinks = site.follow_symlinks});
        if (!folder) {
            fmt::print(stderr, "selvage: {}\n", folder.error().detail);
            return 1;
        }
        walk(**folder, counts, json);
    }
    if (json) return 0;
    fmt::print("\n{} files, {} fingerprinted, {} that might be but for their folder\n", counts.files, counts.fingerprinted,
               counts.denied);
    for (const auto& [rule, number] : counts.by_rule) fmt::print("{:>8}  {}\n", number, rule);
    return 0;
}

}  // namespace selvage::server
