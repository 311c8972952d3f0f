#include "transforms/engine/image.h"

#include <algorithm>

namespace selvage::transforms {
namespace {

constexpr std::size_t kLongestMessage = 200;  // fits Done::detail; libraries repeat themselves after that

}  // namespace

std::string library_message() {
    std::string message = vips_error_buffer();
    vips_error_clear();
    message.resize(std::min(message.size(), kLongestMessage));
    std::ranges::replace(message, '\n', ' ');
    while (message.ends_with(' ')) message.pop_back();
    return message;
}

std::unexpected<Error> operation_failure(std::string_view operation) {
    return fail(ErrorKind::Internal, std::string(operation) + ": " + library_message(), "operation_failed");
}

std::unexpected<Error> source_failure() { return fail(ErrorKind::Unprocessable, library_message(), "undecodable"); }

Result<Image> with_own_metadata(const Image& image) {
    return made("copy", [&](VipsImage** out) { return vips_copy(image.get(), out, nullptr); });
}

Result<Image> in_memory(const Image& image) {
    VipsImage* pixels = vips_image_copy_memory(image.get());
    if (pixels == nullptr) return operation_failure("pixels");
    return Image(pixels);
}

}  // namespace selvage::transforms
