// A root's records of its releases: any bytes as a file; and any path as one that is in them. Claims: no crash; what is read is
// written again and read as the same; a path's lineage has a pattern that is plain ASCII, or none.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "server/releases/records.h"

using namespace selvage;
using namespace selvage::releases;

namespace {

constexpr std::string_view kRoot = "/srv/www";

void require(bool holds) {
    if (!holds) std::abort();
}

void check_pattern(const std::optional<std::string>& pattern) {
    if (pattern) require(std::ranges::all_of(*pattern, [](char c) { return c > ' ' && c < 0x7F; }));
}

void check_path(std::string_view path) {
    const http::Fingerprint fingerprint = http::fingerprint_of(path);
    check_pattern(match_of(lineage_of(path, fingerprint)));
    if (const auto place = place_of(path, fingerprint)) check_pattern(match_of(*place));
}

void check_records(std::string_view text) {
    const auto records = read_records(kRoot, text);
    if (!records) return;
    const auto again = read_records(kRoot, write_records(kRoot, *records));
    require(again && *again == *records);
    for (const Record& record : *records) check_path(record.path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_records(bytes);
    // With the first lines and the last one right, so that what lies between them is reached.
    const std::string framed = fmt::format("selvage releases 1\nroot {}\n{}", kRoot, bytes);
    check_records(framed + fmt::format("end {:016x}\n", checksum64(framed)));
    if (bytes.starts_with('/') && bytes.find('\0') == std::string_view::npos) check_path(bytes);
    return 0;
}
