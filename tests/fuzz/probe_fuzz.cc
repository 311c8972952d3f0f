// Image headers: any bytes are read within their bounds, and a file is of one kind however much of it is there.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transforms/probe.h"

using namespace selvage::transforms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto found = probe(bytes);
    if (found.has_value() != sniff(bytes).has_value()) std::abort();
    if (found && found->format != sniff(bytes.substr(0, 1024))) std::abort();
    return 0;
}
