#include "transforms/engine/providers/provider.h"

namespace selvage::transforms::provider {

// Pictures within drawings are decoded by librsvg itself here. fontconfig reads its files when it is asked for the first font,
// and pango has a thread of its own do it, which would stay: so nobody asks before the sandbox shuts, and what asks within is
// ended.
void prepare_drawing_libraries() {}

}  // namespace selvage::transforms::provider
