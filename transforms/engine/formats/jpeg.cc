// JPEG by libjpeg-turbo: no threads or layers between, and only the segments that we write.

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/formats/jpeg_blocks.h"
#include "transforms/engine/formats/jpeg_library.h"
#include "transforms/engine/formats/jpeg_progression.h"
#include "transforms/engine/formats/jpeg_tables.h"
#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/metadata.h"

namespace selvage::transforms {
namespace {

// What makes a JPEG smallest costs seven times the time: nobody is to wait for that. Scans cost more than they save on a
// tiny image, and hold all coefficients of a large one in memory (image-urls §1.2, `prog`).
bool progressive(const EncodeOptions& options) {
    const Size size = options.frame;
    return options.effort == ImageEffort::Best && !options.full_chroma && std::min(size.width, size.height) >= 50 &&
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

    // In one scan. False after an error, of which message() tells. Between setjmp and longjmp no frame has anything to destroy.
    bool compress(const Pixels& pixels, const EncodeOptions& options, const std::string& exif) {
        if (setjmp(failure_.back) != 0) return false;
        begin(pixels.size, options.quality, Rounding::Nearest);
        if (options.full_chroma) context_.comp_info[0].h_samp_factor = context_.comp_info[0].v_samp_factor = 1;
        jpeg_start_compress(&context_, TRUE);
        write_exif(exif);
        for (std::size_t y = 0; y < pixels.size.height; ++y) {
            auto* row = const_cast<JSAMPLE*>(pixels.row(y).data());  // only read, though its type does not say so
            jpeg_write_scanlines(&context_, &row, 1);
        }
        jpeg_finish_compress(&context_);
        return true;
    }

    // What blocks of this quality are made with.
    bool prepare(Size size, unsigned quality, Quantising& how) {
        if (setjmp(failure_.back) != 0) return false;
        begin(size, quality, Rounding::Cheapest);
        for (std::size_t kind : {0, 1}) {
            std::ranges::copy(context_.quant_tbl_ptrs[kind]->quantval, how.tables[kind].begin());
            describe(*context_.ac_huff_tbl_ptrs[kind], how.codes[kind]);
        }
        return true;
    }

    // In several scans, of blocks that are quantised already.
    bool compress(const JpegBlocks& blocks, Size size, unsigned quality, std::span<const jpeg_scan_info> scans,
                  const std::string& exif) {
        if (setjmp(failure_.back) != 0) return false;
        begin(size, quality, Rounding::Cheapest);
        context_.in_color_space = JCS_YCbCr;  // what the blocks are
        context_.scan_info = scans.data();
        context_.num_scans = static_cast<int>(scans.size());
        std::array<jvirt_barray_ptr, 3> arrays{};
        for (std::size_t component = 0; component < arrays.size(); ++component) {
            arrays[component] = array_for(blocks[component], component == 0 ? 2 : 1);
        }
        jpeg_write_coefficients(&context_, arrays.data());
        write_exif(exif);
        for (std::size_t component = 0; component < arrays.size(); ++component) fill(arrays[component], blocks[component]);
        jpeg_finish_compress(&context_);
        return true;
    }

    std::string bytes() const { return {reinterpret_cast<const char*>(buffer_), size_}; }
    std::string message() const { return std::string("jpeg: ") + failure_.message; }

private:
    void begin(Size size, unsigned quality, Rounding rounding) {
        jpeg_create_compress(&context_);
        jpeg_mem_dest(&context_, &buffer_, &size_);
        context_.image_width = size.width;
        context_.image_height = size.height;
        context_.input_components = 3;
        context_.in_color_space = JCS_RGB;
        jpeg_set_defaults(&context_);  // 4:2:0
        set_tables(context_, quality, rounding);
        context_.optimize_coding = TRUE;
    }

    void write_exif(const std::string& exif) {
        if (exif.empty()) return;
        jpeg_write_marker(&context_, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(exif.data()),
                          static_cast<unsigned>(exif.size()));
    }

    // The bits of each symbol; libjpeg's tables say how many symbols there are of each length. T.81 §C.2.
    static void describe(const JHUFF_TBL& table, std::array<std::uint8_t, 256>& bits) {
        const UINT8* symbol = table.huffval;
        for (std::uint8_t length = 1; length <= 16; ++length) {
            for (int left = table.bits[length]; left > 0; --left) bits[*symbol++] = length;
        }
    }

    jvirt_barray_ptr array_for(const BlockGrid& grid, unsigned rows) {
        return context_.mem->request_virt_barray(reinterpret_cast<j_common_ptr>(&context_), JPOOL_IMAGE, FALSE,
                                                 static_cast<JDIMENSION>(grid.across), static_cast<JDIMENSION>(grid.down), rows);
    }

    void fill(jvirt_barray_ptr array, const BlockGrid& grid) {
        for (std::size_t row = 0; row < grid.down; ++row) {
            const JBLOCKARRAY place = context_.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&context_), array,
                                                                       static_cast<JDIMENSION>(row), 1, TRUE);
            std::memcpy(place[0], &grid.blocks[row * grid.across], grid.across * sizeof(JBLOCK));
        }
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

std::unexpected<Error> failure_of(const Compressor& compressor) {
    return fail(ErrorKind::Internal, compressor.message(), "operation_failed");
}

// Progressive, with every coefficient weighed, in the order of scans that is smallest: a third of the bytes' tenths, for ten
// times the time.
Result<std::string> smallest(const Pixels& pixels, unsigned quality, const std::string& exif) {
    Quantising how{};
    const auto preparing = std::make_unique<Compressor>();
    if (!preparing->prepare(pixels.size, quality, how)) return failure_of(*preparing);
    const JpegBlocks blocks = jpeg_blocks(pixels, how);
    std::string best;
    for (std::size_t number = 0; number < kProgressions; ++number) {
        const auto compressor = std::make_unique<Compressor>();
        if (!compressor->compress(blocks, pixels.size, quality, progression(number), exif)) return failure_of(*compressor);
        if (std::string bytes = compressor->bytes(); best.empty() || bytes.size() < best.size()) best = std::move(bytes);
    }
    return best;
}

}  // namespace

Result<std::string> encode_jpeg(const Image& image, const EncodeOptions& options) {
    const Pixels pixels = TRY(frame_pixels(image, options.frame));
    if (pixels.bands != 3) return fail(ErrorKind::Internal, "jpeg: alpha", "operation_failed");
    const std::string exif = options.keep_metadata ? exif_segment(image) : std::string();
    if (progressive(options)) return smallest(pixels, options.quality, exif);
    const auto compressor = std::make_unique<Compressor>();
    if (!compressor->compress(pixels, options, exif)) return failure_of(*compressor);
    return compressor->bytes();
}

}  // namespace selvage::transforms
