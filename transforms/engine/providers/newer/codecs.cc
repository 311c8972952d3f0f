#include <array>

#include "transforms/engine/decoders/decoder.h"
#include "transforms/engine/providers/provider.h"

namespace selvage::transforms {

bool have_heic() { return false; }  // its libheif is built for AVIF only

namespace provider {

std::span<const char* const> operations() {
    static constexpr std::array kOperations = {"VipsForeignSaveHeifBuffer"};
    return kOperations;
}

}  // namespace provider
}  // namespace selvage::transforms
