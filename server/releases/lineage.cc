#include "server/releases/lineage.h"

#include <array>
#include <map>
#include <tuple>

#include "base/url.h"

namespace selvage::releases {
namespace {

constexpr std::size_t kLongestMatch = 1024;

// A folder named after the build becomes '*'. No name of a file can be taken for it: what comes from a path and is '*' is
// escaped.
constexpr char kAnything = '\0';

std::string with_build_as_star(std::string_view text, std::size_t offset, const http::Fingerprint& fingerprint) {
    const http::Place& build = fingerprint.build;
    std::string out(text);
    if (build.length == 0 || build.offset < offset || build.offset + build.length > offset + text.size()) return out;
    out.replace(build.offset - offset, build.length, 1, kAnything);
    return out;
}

// URL Pattern Standard, "escape a pattern string".
void append_pattern(std::string& out, std::string_view text) {
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t star = std::min(text.find(kAnything, from), text.size());
        for (const char c : encode_path(text.substr(from, star - from))) {
            if (std::string_view("+*?:{}()\\").find(c) != std::string_view::npos) out += '\\';
            out += c;
        }
        if (star < text.size()) out += '*';
        from = star + 1;
    }
}

std::optional<std::string> match_of(std::string_view before, bool varies, std::string_view after) {
    std::string pattern;
    append_pattern(pattern, before);
    if (varies) pattern += '*';
    append_pattern(pattern, after);
    return pattern.size() <= kLongestMatch ? std::optional(std::move(pattern)) : std::nullopt;
}

bool may_be_dictionary(const Candidate& file) {
    return file.compressible && file.size >= kSmallestDictionary && file.size <= kLargestDictionary;
}

// The larger, and of equal ones the first by name.
bool goes_before(const Candidate& left, const Candidate& right) {
    return std::tuple(right.size, left.path) < std::tuple(left.size, right.path);
}

struct Group {
    std::size_t files = 0;
    std::optional<std::size_t> largest;
};

void count_in(Group& group, std::span<const Candidate> build, std::size_t file) {
    ++group.files;
    if (!may_be_dictionary(build[file])) return;
    if (!group.largest || goes_before(build[file], build[*group.largest])) group.largest = file;
}

}  // namespace

Lineage lineage_of(std::string_view path, const http::Fingerprint& fingerprint) {
    const http::Place& hash = fingerprint.hash;
    if (hash.length == 0) return {.before = with_build_as_star(path, 0, fingerprint), .after = {}, .varies = false};
    const std::size_t end = hash.offset + hash.length;
    return {.before = with_build_as_star(path.substr(0, hash.offset), 0, fingerprint),
            .after = with_build_as_star(path.substr(end), end, fingerprint),
            .varies = true};
}

std::optional<Place> place_of(std::string_view path, const http::Fingerprint& fingerprint) {
    constexpr auto kEndings = std::to_array<std::string_view>({".js", ".css"});
    for (const std::string_view ending : kEndings) {
        if (!path.ends_with(ending)) continue;
        return Place{.folder = with_build_as_star(path.substr(0, path.rfind('/') + 1), 0, fingerprint), .ending = ending};
    }
    return std::nullopt;
}

std::optional<std::string> match_of(const Lineage& lineage) { return match_of(lineage.before, lineage.varies, lineage.after); }

std::optional<std::string> match_of(const Place& place) { return match_of(place.folder, true, place.ending); }

std::optional<std::string> match_of_pages(std::string_view path, Offering offering) {
    const std::string_view folder = offering == Offering::Site ? "/" : path.substr(0, path.rfind('/') + 1);
    return match_of(folder, true, "");
}

std::vector<Offering> offerings_of(std::span<const Candidate> build) {
    std::map<Lineage, Group> lineages;
    std::map<Place, Group> places;
    for (std::size_t i = 0; i < build.size(); ++i) {
        count_in(lineages[build[i].lineage], build, i);
        if (const auto place = place_of(build[i].path, build[i].fingerprint)) count_in(places[*place], build, i);
    }
    std::vector<Offering> offerings(build.size(), Offering::None);
    for (const auto& [lineage, group] : lineages) {
        if (group.largest && group.files <= kLargestGroup) offerings[*group.largest] = Offering::Lineage;
    }
    // It has the place's pattern alone: that covers what its lineage will have.
    for (const auto& [place, group] : places) {
        if (group.largest) offerings[*group.largest] = Offering::Place;
    }
    return offerings;
}

}  // namespace selvage::releases
