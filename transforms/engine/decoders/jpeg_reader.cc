#include "transforms/engine/decoders/jpeg_reader.h"

#include <jerror.h>

#include <algorithm>
#include <array>
#include <string>

namespace selvage::transforms {
namespace {

constexpr JDIMENSION kRowsAtOnce = 16;

void be_silent(j_common_ptr) {}
void count_warning(j_common_ptr info, int level) {
    if (level < 0) ++info->err->num_warnings;
}
void nothing(j_decompress_ptr) {}

}  // namespace

JpegReader::JpegReader(std::vector<std::string_view> pieces) : pieces_(std::move(pieces)) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = [](j_common_ptr info) { std::longjmp(reinterpret_cast<Errors*>(info->err)->escape, 1); };
    errors_.base.output_message = be_silent;
    errors_.base.emit_message = count_warning;
}

JpegReader::~JpegReader() { jpeg_destroy_decompress(&info_); }

template <typename Call>
Result<void> JpegReader::guarded(Call&& call) {
    if (setjmp(errors_.escape) != 0) return failure();
    call();
    return {};
}

Result<void> JpegReader::failure() {
    std::array<char, JMSG_LENGTH_MAX> text{};
    errors_.base.format_message(reinterpret_cast<j_common_ptr>(&info_), text.data());
    return fail(ErrorKind::Unprocessable, std::string("jpeg: ") + text.data(), "undecodable");
}

Result<void> JpegReader::read_header() {
    source_.rest = pieces_;
    source_.base.init_source = nothing;
    source_.base.term_source = nothing;
    source_.base.resync_to_restart = jpeg_resync_to_restart;
    source_.base.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
        auto& source = *reinterpret_cast<Pieces*>(info->src);
        while (!source.rest.empty() && source.rest.front().empty()) source.rest = source.rest.subspan(1);
        if (source.rest.empty()) ERREXIT(info, JERR_INPUT_EOF);
        source.base.next_input_byte = reinterpret_cast<const JOCTET*>(source.rest.front().data());
        source.base.bytes_in_buffer = source.rest.front().size();
        source.rest = source.rest.subspan(1);
        return TRUE;
    };
    source_.base.skip_input_data = [](j_decompress_ptr info, long count) {
        auto& source = *info->src;
        for (auto left = static_cast<std::size_t>(std::max(count, 0L)); left > 0;) {
            if (source.bytes_in_buffer == 0) source.fill_input_buffer(info);
            const std::size_t step = std::min(left, source.bytes_in_buffer);
            source.next_input_byte += step;
            source.bytes_in_buffer -= step;
            left -= step;
        }
    };
    return guarded([this] {
        jpeg_create_decompress(&info_);
        info_.src = &source_.base;
        jpeg_read_header(&info_, TRUE);
    });
}

Result<void> JpegReader::start() {
    return guarded([this] { jpeg_start_decompress(&info_); });
}

Result<void> JpegReader::read_rows(JSAMPLE* first, std::size_t stride, JDIMENSION count) {
    return guarded([this, first, stride, count] {
        const JDIMENSION begin = info_.output_scanline;
        std::array<JSAMPROW, kRowsAtOnce> rows;
        while (info_.output_scanline < begin + count) {
            const JDIMENSION done = info_.output_scanline - begin;
            const JDIMENSION left = std::min(count - done, kRowsAtOnce);
            for (JDIMENSION row = 0; row < left; ++row) rows[row] = first + (done + row) * stride;
            jpeg_read_scanlines(&info_, rows.data(), left);
        }
    });
}

}  // namespace selvage::transforms
