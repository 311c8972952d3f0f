#include "server/representations/best_coding.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace selvage::representations {

Result<BlobPtr> best_coding(std::string_view content, transforms::Coding coding, transforms::Effort effort,
                            const std::function<bool()>& go_on) {
    constexpr std::size_t kStep = 64U << 10;
    std::string coded;
    const std::unique_ptr<transforms::Encoder> encoder =
        TRY(transforms::row_of(coding).begin(content.size(), effort, [&coded](std::string_view piece) { coded += piece; }));
    while (!content.empty()) {
        if (!go_on()) return fail(ErrorKind::Cancelled, "given up");
        const std::size_t step = std::min(content.size(), kStep);
        TRY(encoder->add(content.substr(0, step)));
        content.remove_prefix(step);
    }
    if (!go_on()) return fail(ErrorKind::Cancelled, "given up");
    TRY(encoder->finish());
    coded.shrink_to_fit();
    return make_blob(std::move(coded));
}

}  // namespace selvage::representations
