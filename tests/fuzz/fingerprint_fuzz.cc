// Names of files: any bytes have a verdict, and what it says of them is so.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/catalogue/folder_votes.h"
#include "server/http/fingerprint.h"

using namespace selvage;
using http::Fingerprint;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

void check_place(std::string_view path, const http::Place& place) {
    check(place.offset <= path.size() && place.length <= path.size() - place.offset);
    check(place.of(path).find('/') == std::string_view::npos);
}

// A name like it that nobody could have written is no less believed.
void check_vote(const Fingerprint& found, std::string_view hash) {
    catalogue::FolderNames names;
    names.files = 10;
    names.rows.push_back({.shape = found.shape, .names = 10, .random = 5});
    const catalogue::Vote vote = catalogue::vote_on(names, found.shape, hash, false);
    check(vote.passed != vote.unlikely);
    check(!catalogue::to_string(vote).empty());
    names.files = 100;
    check(!catalogue::vote_on(names, found.shape, hash, false).passed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view path(reinterpret_cast<const char*>(data), size);
    const Fingerprint found = http::fingerprint_of(path);
    check(to_string(found).empty() == (found.kind == Fingerprint::None));
    check_place(path, found.hash);
    check_place(path, found.build);
    check(found.kind == Fingerprint::None || !found.folder_rule.empty() || found.hash.length != 0);
    check(found.kind != Fingerprint::Possible || found.hash.length != 0);
    check(found.hash.length == found.shape.length);
    if (found.hash.length == 0) return 0;

    check(found.hash.offset >= path.rfind('/') + 1);
    check(found.shape.covers(found.shape));
    const char before = found.hash.offset == 0 ? '/' : path[found.hash.offset - 1];
    check(found.shape.separator == '\0' ? before == '/' : before == found.shape.separator);
    // What lies in front of the name has no say, but for the folders of frameworks.
    const std::string_view name = path.substr(path.rfind('/') + 1);
    if (found.folder_rule.empty()) check(http::fingerprint_of(name).shape == found.shape);
    check_vote(found, found.hash.of(path));
    return 0;
}
