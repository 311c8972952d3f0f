// Zstandard. Source: RFC 8878, RFC 9659 (the window of `Content-Encoding: zstd`); zstd.h.

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "transforms/encodings/codecs.h"
#include "transforms/encodings/output.h"

namespace selvage::transforms {
namespace {

constexpr int kMinWindowLog = 10;  // the format's own
constexpr int kMaxWindowLog = 23;  // 8 MiB: what a browser must be able to decode, and what it may refuse beyond. RFC 9659 §3

using Compressor = std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)>;

int level_for(std::size_t size, Effort effort) {
    switch (effort) {
        case Effort::First:
            return size < kSmallForFirst ? 9 : 3;
        case Effort::Background:
            return size > kSmallForBackground ? 16 : 19;
        case Effort::Best:
            return 19;
    }
    return 3;
}

// The smallest window that covers the input: explicit, because a level's own default is not ours to rely on.
int window_log_for(std::size_t size) {
    return std::clamp(static_cast<int>(std::bit_width(size > 0 ? size - 1 : 0)), kMinWindowLog, kMaxWindowLog);
}

// What a client waits for begins with the first block, and before that all tables are cleared: those of level 9 for 1 MB are 12
// MB, and take 4.0 ms to its first 32 KiB. With these it is 0.9, and 14.9 in place of 19.4 for all of it, at 0.1 to 1.1 % more
// bytes (contents of 0.2 to 1.7 MB).
constexpr int kMostHashLogForFirst = 18;
constexpr std::size_t kLargeTablesFrom = 128U << 10;  // bytes: smaller ones have no larger tables

std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    return value;
}

// The window that a frame's header asks of its decoder, in bytes. Nothing for a skippable frame, or what is none: that is for the
// decoder to say. Source: RFC 8878 §3.1.1.1; libzstd tells it in its unstable interface only.
std::optional<std::uint64_t> window_of(std::string_view frame) {
    constexpr std::uint64_t kMagic = 0xFD2FB528;
    if (frame.size() < 6 || little_endian(frame.substr(0, 4)) != kMagic) return std::nullopt;
    const auto descriptor = static_cast<std::uint8_t>(frame[4]);
    const bool single_segment = (descriptor & 0x20) != 0;
    if (!single_segment) {
        const auto window = static_cast<std::uint8_t>(frame[5]);
        const std::uint64_t base = std::uint64_t{1} << (10 + (window >> 3));
        return base + base / 8 * (window & 7);
    }
    constexpr std::array<std::size_t, 4> kIdSizes = {0, 1, 2, 4}, kContentSizes = {1, 2, 4, 8};
    const std::size_t at = 5 + kIdSizes[descriptor & 3], length = kContentSizes[descriptor >> 6];
    if (frame.size() < at + length) return std::nullopt;
    return little_endian(frame.substr(at, length)) + (length == 2 ? 256 : 0);
}

// RFC 9659: the window of every frame. The decoder does not look at it where it has room for all that comes out.
Result<void> check_windows(std::string_view frames) {
    while (!frames.empty()) {
        const auto window = window_of(frames);
        if (window && *window > std::uint64_t{1} << kMaxWindowLog) {
            return fail(ErrorKind::Unprocessable, fmt::format("zstd: a window of {} bytes, above 8 MiB", *window));
        }
        const std::size_t size = ZSTD_findFrameCompressedSize(frames.data(), frames.size());
        if (ZSTD_isError(size) || size == 0) return {};  // damaged: for the decoder to say
        frames.remove_prefix(std::min(size, frames.size()));
    }
    return {};
}

// Errors: Internal.
Result<Compressor> compressor_for(std::size_t size, Effort effort) {
    Compressor compressor(ZSTD_createCCtx(), ZSTD_freeCCtx);
    if (!compressor) return fail(ErrorKind::Internal, "zstd: no memory");
    bool fine = true;
    const auto set = [&](ZSTD_cParameter parameter, int value) {
        fine = fine && !ZSTD_isError(ZSTD_CCtx_setParameter(compressor.get(), parameter, value));
    };
    set(ZSTD_c_compressionLevel, level_for(size, effort));
    set(ZSTD_c_windowLog, window_log_for(size));
    if (effort == Effort::First && size >= kLargeTablesFrom && size < kSmallForFirst) set(ZSTD_c_hashLog, kMostHashLogForFirst);
    set(ZSTD_c_contentSizeFlag, 1);  // so that a client can reserve once
    set(ZSTD_c_checksumFlag, 0);     // TLS and the store have their own
    if (!fine) return fail(ErrorKind::Internal, "zstd: parameters refused");
    return compressor;
}

class ZstdEncoder final : public Encoder {
public:
    ZstdEncoder(Compressor compressor, CodedSink sink)
        : compressor_(std::move(compressor)), sink_(std::move(sink)), out_(kEncoderStep, '\0') {}

    bool prepare(std::uint64_t size) { return !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(compressor_.get(), size)); }

    Result<void> add(std::string_view bytes) override { return run(bytes, ZSTD_e_continue); }
    Result<void> flush() override { return run({}, ZSTD_e_flush); }
    Result<void> finish() override { return run({}, ZSTD_e_end); }

private:
    Result<void> run(std::string_view bytes, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (bool more = true; more;) {
            ZSTD_outBuffer piece{out_.data(), out_.size(), 0};
            const std::size_t left = ZSTD_compressStream2(compressor_.get(), &piece, &in, directive);
            if (ZSTD_isError(left)) return fail(ErrorKind::Internal, std::string("zstd: ") + ZSTD_getErrorName(left));
            if (piece.pos > 0) sink_({out_.data(), piece.pos});
            more = directive == ZSTD_e_continue ? in.pos < in.size : left > 0;
        }
        return {};
    }

    Compressor compressor_;
    CodedSink sink_;
    std::string out_;
};

}  // namespace

Result<std::string> zstd_encode(std::string_view bytes, Effort effort) {
    const Compressor compressor = TRY(compressor_for(bytes.size(), effort));
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress2(compressor.get(), out.data(), out.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(size)) return fail(ErrorKind::Internal, std::string("zstd: ") + ZSTD_getErrorName(size));
    out.resize(size);
    return out;
}

Result<std::string> zstd_decode(std::string_view bytes, std::size_t limit) {
    TRY(check_windows(bytes));
    const Decompressor decompressor(ZSTD_createDCtx(), ZSTD_freeDCtx);
    if (!decompressor) return fail(ErrorKind::Internal, "zstd: no memory");
    if (ZSTD_isError(ZSTD_DCtx_setParameter(decompressor.get(), ZSTD_d_windowLogMax, kMaxWindowLog)))
        return fail(ErrorKind::Internal, "zstd: parameters refused");
    Output out(bytes.size(), limit);
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
        if (!out.make_room()) return std::move(out).finish();
        ZSTD_outBuffer piece{out.free(), out.room(), 0};
        const std::size_t status = ZSTD_decompressStream(decompressor.get(), &piece, &in);
        out.add(piece.pos);
        if (ZSTD_isError(status)) return fail(ErrorKind::Unprocessable, std::string("zstd: ") + ZSTD_getErrorName(status));
        if (in.pos < in.size) continue;  // another frame may follow: RFC 8878 §3
        if (status == 0) return std::move(out).finish();
        if (piece.pos < piece.size) return fail(ErrorKind::Unprocessable, "zstd: cut short");
    }
}

Result<std::unique_ptr<Encoder>> zstd_begin(std::uint64_t size, Effort effort, CodedSink sink) {
    auto encoder = std::make_unique<ZstdEncoder>(TRY(compressor_for(size, effort)), std::move(sink));
    if (!encoder->prepare(size)) return fail(ErrorKind::Internal, "zstd: size refused");
    return encoder;
}

std::string zstd_version() { return ZSTD_versionString(); }

}  // namespace selvage::transforms
