// JPEG by libjpeg-turbo: no threads or layers between, and only the segments that we write.

// clang-format off
#include <cstdio>
#include <jpeglib.h>  // needs the one before it
// clang-format on

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <memory>

#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/metadata.h"

namespace selvage::transforms {
namespace {

// Progressive scans cost four times the time for 4 % of the bytes (image-engine §3): nobody is to wait for that. They cost more
// than they save on a tiny image, and hold all coefficients of a large one in memory (image-urls §1.2, `prog`).
bool progressive(const EncodeOptions& options) {
    const Size size = options.frame;
    return options.effort == ImageEffort::Best && std::min(size.width, size.height) >= 50 &&
           std::max(size.width, size.height) <= 3000;
}

struct Failure {
    jpeg_error_mgr handlers;  // first: libjpeg hands out its address
    std::jmp_buf back;
    char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr context) {
    auto* failure = reinterpret_cast<Failure*>(context->err);
    context->err->format_message(context, failure->message);
    std::longjmp(failure->back, 1);
}

void ignore_message(j_common_ptr) {}

// libjpeg's state with what it allocates.
class Compressor {
public:
    Compressor() {
        context_.err = jpeg_std_error(&failure_.handlers);
        failure_.handlers.error_exit = leave;
        failure_.handlers.output_message = ignore_message;
    }
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;
    ~Compressor() {
        jpeg_destroy_compress(&context_);
        std::free(buffer_);
    }

    // False after an error, of which message() tells. Between setjmp and longjmp no frame has anything to destroy.
    bool compress(const Pixels& pixels, const EncodeOptions& options, const std::string& exif) {
        if (setjmp(failure_.back) != 0) return false;
        jpeg_create_compress(&context_);
        jpeg_mem_dest(&context_, &buffer_, &size_);
        describe(pixels, options);
        jpeg_start_compress(&context_, TRUE);
        if (!exif.empty()) {
            jpeg_write_marker(&context_, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(exif.data()),
                              static_cast<unsigned>(exif.size()));
        }
        for (std::size_t y = 0; y < pixels.size.height; ++y) {
            auto* row = const_cast<JSAMPLE*>(pixels.row(y).data());  // only read, though its type does not say so
            jpeg_write_scanlines(&context_, &row, 1);
        }
        jpeg_finish_compress(&context_);
        return true;
    }

    std::string bytes() const { return {reinterpret_cast<const char*>(buffer_), size_}; }
    std::string message() const { return std::string("jpeg: ") + failure_.message; }

private:
    void describe(const Pixels& pixels, const EncodeOptions& options) {
        context_.image_width = pixels.size.width;
        context_.image_height = pixels.size.height;
        context_.input_components = 3;
        context_.in_color_space = JCS_RGB;
        jpeg_set_defaults(&context_);  // 4:2:0
        jpeg_set_quality(&context_, static_cast<int>(options.quality), TRUE);
        context_.optimize_coding = TRUE;
        if (options.full_chroma) context_.comp_info[0].h_samp_factor = context_.comp_info[0].v_samp_factor = 1;
        if (progressive(options)) jpeg_simple_progression(&context_);
    }

    Failure failure_{};
    jpeg_compress_struct context_{};
    unsigned char* buffer_ = nullptr;  // libjpeg's, by malloc
    unsigned long size_ = 0;
};

constexpr std::size_t kLargestSegment = 65'533;

std::string exif_segment(const Image& image) {
    const std::string exif = owner_exif(image);
    if (exif.empty() || exif.size() + 6 > kLargestSegment) return {};
    return std::string("Exif\0\0", 6) + exif;
}

}  // namespace

Result<std::string> encode_jpeg(const Image& image, const EncodeOptions& options) {
    const Pixels pixels = TRY(frame_pixels(image, options.frame));
    if (pixels.bands != 3) return fail(ErrorKind::Internal, "jpeg: alpha", "operation_failed");
    const std::string exif = options.keep_metadata ? exif_segment(image) : std::string();
    const auto compressor = std::make_unique<Compressor>();
    if (!compressor->compress(pixels, options, exif)) {
        return fail(ErrorKind::Internal, compressor->message(), "operation_failed");
    }
    return compressor->bytes();
}

}  // namespace selvage::transforms
