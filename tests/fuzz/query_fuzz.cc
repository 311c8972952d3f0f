// Image queries: any bytes are a request, a request for the file itself, or an error that names its parameter; and what was
// understood is understood again from its canonical form (image-urls §1.1 rule 6).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transforms/dialects/canonical.h"
#include "transforms/plan.h"

using namespace selvage::transforms;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view query(reinterpret_cast<const char*>(data), size);
    const auto request = parse_canonical(query, {});
    if (!request) {
        if (request.error().code.empty()) std::abort();
        return 0;
    }
    if (!*request) return 0;
    const auto text = canonical((*request)->plan);
    const auto again = parse_canonical(text, {.strict = true});
    if (!again || !*again || (*again)->plan != (*request)->plan || canonical((*again)->plan) != text) std::abort();
    return 0;
}
