#include "server/representations/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace selvage::representations {

namespace {

constexpr std::uint64_t kUnknown = 1ULL << 30;
constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

// The number that a file begins with; "max", or no such file: none.
std::uint64_t number_in(const std::filesystem::path& file) {
    std::uint64_t number = kNone;
    std::ifstream in(file);
    return in >> number ? number : kNone;
}

std::uint64_t machine_memory(const std::filesystem::path& root) {
    std::ifstream in(root / "proc/meminfo");
    std::string name;
    std::uint64_t kibibytes = 0;
    return in >> name >> kibibytes && name == "MemTotal:" ? kibibytes * 1024 : kNone;
}

// The least number in this file of a group's folder and of those above it, up to where the groups are mounted. A namespace may
// hide the upper part of a group's path: folders that are not there say nothing.
std::uint64_t least_above(const std::filesystem::path& mounted, const std::filesystem::path& group, const char* file) {
    std::uint64_t least = number_in(mounted / file);
    std::filesystem::path folder = mounted;
    for (const auto& part : group.relative_path()) {
        folder /= part;
        least = std::min(least, number_in(folder / file));
    }
    return least;
}

// "0::/a/b" (version 2) or "5:memory:/a/b" (version 1).
std::uint64_t group_limit(const std::filesystem::path& root) {
    const std::filesystem::path groups = root / "sys/fs/cgroup";
    std::uint64_t least = kNone;
    std::ifstream in(root / "proc/self/cgroup");
    for (std::string line; std::getline(in, line);) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
        if (controllers.empty()) least = std::min(least, least_above(groups, group, "memory.max"));
        if (controllers == "memory") least = std::min(least, least_above(groups / "memory", group, "memory.limit_in_bytes"));
    }
    return least;
}

}  // namespace

std::uint64_t memory_limit(const std::filesystem::path& root) {
    const std::uint64_t limit = std::min(machine_memory(root), group_limit(root));
    return limit == kNone ? kUnknown : limit;
}

}  // namespace selvage::representations
