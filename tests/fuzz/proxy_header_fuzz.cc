// PROXY headers: however the bytes are split, the outcome is the same; what belongs to the connection is left alone.
// The first byte says where to split.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "server/net/proxy_header.h"

using namespace selvage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    net::ProxyHeader whole;
    std::string_view rest = bytes;
    const auto state = whole.feed(rest);
    if (state == net::ProxyHeader::State::NeedsMore && !rest.empty()) std::abort();
    if (state != net::ProxyHeader::State::Done && whole.client()) std::abort();
    if (bytes.size() - rest.size() > 16 + 4096) std::abort();

    net::ProxyHeader split;
    std::string_view first = bytes.substr(0, data[0]), second = bytes.substr(first.size());
    auto same = split.feed(first);
    if (same == net::ProxyHeader::State::NeedsMore) {
        same = split.feed(second);
        first = {};
    }
    if (same != state || split.client() != whole.client()) std::abort();
    if (same == net::ProxyHeader::State::Done && first.size() + second.size() != rest.size()) std::abort();
    return 0;
}
