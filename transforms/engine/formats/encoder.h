#pragma once

#include <span>
#include <string>

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"
#include "transforms/formats.h"
#include "transforms/order.h"

namespace selvage::transforms {

struct EncodeOptions {
    unsigned quality;  // 1…100 on the encoder's own scale; formats without one do not read it
    ImageEffort effort;
    Size frame;                // of one frame; the image holds all of them, one below the other
    bool keep_metadata;        // the little that is left of it
    bool full_chroma = false;  // Order::full_chroma
};

// One row per output format.
struct Encoder {
    Format format;
    const char* operation;  // class name of the libvips operation, for the allow-list; null: called directly, or the provider's
    std::uint32_t largest_side;  // that the format can express
    // From 8-bit sRGB pixels in memory, with alpha only if the format has it. Errors: Internal.
    Result<std::string> (*encode)(const Image& image, const EncodeOptions& options);
};

std::span<const Encoder> encoders();
const Encoder* encoder_of(Format format);  // null: not an output

Result<std::string> encode_jpeg(const Image& image, const EncodeOptions& options);
Result<std::string> encode_png(const Image& image, const EncodeOptions& options);
Result<std::string> encode_webp(const Image& image, const EncodeOptions& options);
Result<std::string> encode_avif(const Image& image, const EncodeOptions& options);
Result<std::string> encode_gif(const Image& image, const EncodeOptions& options);

// The bytes that a libvips save call leaves in the buffer it is given.
template <typename Call>
Result<std::string> encoded(std::string_view operation, Call&& call) {
    void* buffer = nullptr;
    std::size_t size = 0;
    const int status = call(&buffer, &size);
    const std::unique_ptr<void, void (*)(void*)> owned(buffer, g_free);
    if (status != 0) return operation_failure(operation);
    return std::string(static_cast<const char*>(buffer), size);
}

}  // namespace selvage::transforms
