// Request targets: any bytes are refused or become a path from which nothing leads out of a root, and every judgement about it is
// total.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/url.h"
#include "server/http/cache_policy.h"
#include "server/http/error_response.h"
#include "server/http/fingerprint.h"
#include "server/http/media_types.h"
#include "server/origins/folder.h"

using namespace selvage;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view target(reinterpret_cast<const char*>(data), size);
    const TargetParts parts = split_target(target);
    const auto path = normalise_path(parts.path);
    if (!path) return 0;
    check(path->starts_with('/'));
    check(path->find('\0') == std::string::npos);
    if (origins::may_be_served(*path)) {
        check(path->find("/../") == std::string::npos && !path->ends_with("/.."));
        check(path->find("//") == std::string::npos);
    }
    const auto& type = http::media_type_of(*path);
    check(!type.type.empty());
    const bool fingerprinted = http::is_fingerprinted(*path);
    check(
        !http::cache_control({.path = *path, .media_class = type.media_class, .fingerprinted = fingerprinted}, nullptr).empty());

    const http::Answer redirect = http::redirect_answer(301, *path, {});
    const std::string_view location = redirect.head->field("location");
    check(location.starts_with('/') && !location.starts_with("//"));
    check(location.find_first_of("\r\n\\") == std::string_view::npos);
    return 0;
}
