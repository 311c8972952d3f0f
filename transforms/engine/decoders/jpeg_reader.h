#pragma once

#include <csetjmp>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

// After <cstdio>, which it needs.
#include <jpeglib.h>

#include "base/result.h"

namespace selvage::transforms {

// libjpeg reading a stream that is given in pieces. The end of the last piece before the end of the image is an error: the source
// is truncated. Warnings (a wrong marker, extraneous bytes, bad codes) pass, as in browsers.
//
// Errors of all: Unprocessable "undecodable".
class JpegReader {
public:
    explicit JpegReader(std::vector<std::string_view> pieces);
    ~JpegReader();
    JpegReader(const JpegReader&) = delete;
    JpegReader& operator=(const JpegReader&) = delete;

    Result<void> read_header();
    jpeg_decompress_struct& settings() { return info_; }  // after read_header
    // Sizes of the result in settings().output_width, output_height, output_components.
    Result<void> start();
    // The next `count` rows, each `stride` bytes after the one before.
    Result<void> read_rows(JSAMPLE* first, std::size_t stride, JDIMENSION count);

private:
    struct Errors {
        jpeg_error_mgr base;
        std::jmp_buf escape;
    };
    struct Pieces {
        jpeg_source_mgr base;
        std::span<const std::string_view> rest;
    };

    // libjpeg leaves by longjmp: nothing in `call` may have a destructor.
    template <typename Call>
    Result<void> guarded(Call&& call);
    Result<void> failure();

    std::vector<std::string_view> pieces_;
    jpeg_decompress_struct info_{};
    Errors errors_{};
    Pieces source_{};
};

}  // namespace selvage::transforms
