// Range fields: any bytes give the whole, 416, or parts that lie within the content, do not overlap and are not more than there
// is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "server/http/range.h"

using namespace selvage::http;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

void check_parts(const RangeChoice& choice, std::uint64_t size) {
    check(choice.count >= 1 && choice.count <= kServedRanges);
    std::vector<ByteRange> parts(choice.ranges.begin(), choice.ranges.begin() + choice.count);
    std::ranges::sort(parts, {}, &ByteRange::first);
    std::uint64_t end = 0;
    for (const ByteRange& part : parts) {
        check(part.length >= 1 && part.first >= end);
        check(part.first < size && part.length <= size - part.first);
        end = part.first + part.length;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
    std::uint64_t size = 0;
    if (length < sizeof size) return 0;
    std::memcpy(&size, data, sizeof size);
    const std::string_view value(reinterpret_cast<const char*>(data) + sizeof size, length - sizeof size);
    for (const std::uint64_t of : {size, size % 1000}) {
        const RangeChoice choice = parse_range(value, of);
        if (choice.kind == RangeChoice::Kind::Partial) check_parts(choice, of);
    }
    return 0;
}
