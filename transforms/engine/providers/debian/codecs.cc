#include <libheif/heif.h>

#include "transforms/engine/decoders/decoder.h"
#include "transforms/engine/providers/provider.h"

namespace selvage::transforms {

bool have_heic() { return heif_have_decoder_for_format(heif_compression_HEVC) != 0; }

namespace provider {

std::span<const char* const> operations() { return {}; }

}  // namespace provider
}  // namespace selvage::transforms
