// Any bytes as a configuration: a value or mistakes that lie within the text, never a crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage::config;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = parse(text, "fuzz.toml");
    if (config) {
        if (!needs_restart(*config, *config).empty()) std::abort();
        return 0;
    }
    if (config.error().empty()) std::abort();
    for (const Diagnostic& diagnostic : config.error()) {
        if (diagnostic.message.empty() || diagnostic.line > size + 1) std::abort();
    }
    return 0;
}
