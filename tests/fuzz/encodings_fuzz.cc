// Content codings: any bytes decode to at most the limit or are refused; what was encoded decodes to itself.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transforms/encodings/encodings.h"

using namespace selvage::transforms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto& row = kCodings[data[0] % kCodings.size()];
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    constexpr std::size_t kLimit = 1 << 20;
    const auto decoded = row.decode(bytes, kLimit);
    if (decoded && decoded->size() > kLimit) std::abort();
    const auto coded = row.encode(bytes, Effort::First);
    if (!coded || row.decode(*coded, bytes.size()) != bytes) std::abort();
    return 0;
}
