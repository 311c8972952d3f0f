// Pages and access logs that `selvage warm` reads: any bytes give only targets that may stand in a request line.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/reference.h"
#include "server/warm_command_log.h"
#include "server/warm_command_pages.h"

using namespace selvage::server;
using selvage::own_target;

namespace {

void check(const std::string& target) {
    const auto printable = [](unsigned char c) { return c > 0x20 && c < 0x7F; };
    if (!target.starts_with('/') || !std::ranges::all_of(target, printable)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string hosts[] = {"host", "host:8080"};
    const PageImages images = images_of_page(text);
    for (const std::string& reference : images.references) {
        if (const auto target = own_target(reference, "/folder/page.html?x", hosts)) check(*target);
    }
    if (const auto base = own_target(text, "/", hosts)) check(*base);
    for (const std::string& url : urls_of_srcset(text)) {
        if (url.empty() || url.find(' ') != std::string::npos || url.ends_with(',')) std::abort();
    }
    if (const auto asked = parse_log_line(text)) check(asked->target);
    return 0;
}
