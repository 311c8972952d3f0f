// Dictionary-Compressed Zstandard. Source: RFC 9842 §5; zstd.h.

#include "transforms/encodings/dcz.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace selvage::transforms {
namespace {

constexpr std::string_view kMagic("\x5e\x2a\x4d\x18\x20\x00\x00\x00", 8);
static_assert(kMagic.size() + sizeof(Sha256) == kDczHeader);

using Compressor = std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)>;

constexpr std::size_t kAlwaysAllowed = std::size_t{8} << 20;

int ceil_log2(std::size_t size) { return static_cast<int>(std::bit_width(std::max<std::size_t>(size, 1) - 1)); }

// The largest window that every client must be able to decode: 8 MiB, or 1.25 times the dictionary, 128 MiB at most.
std::size_t largest_window(std::size_t dictionary) {
    return std::clamp(dictionary + dictionary / 4, kAlwaysAllowed, std::size_t{128} << 20);
}

// The dictionary must lie within the window from every place of the content: with the level's own window, a stylesheet of 2.9 MB
// costs 71 KB, with this one 289 bytes (static-delivery §5).
//
// Above 8 MiB the encoder looks back further than a window of 2^n that is allowed: what the frame declares is then the content's
// own size, as a content that the window covers is one segment (RFC 8878 §3.1.1.1.2).
int window_log_for(std::size_t content, std::size_t dictionary) {
    constexpr int kLeast = 20, kUsual = 23, kMost = 27;
    const std::size_t largest = largest_window(dictionary);
    if (largest > kAlwaysAllowed && content <= largest) return std::clamp(ceil_log2(content + dictionary), kUsual, kMost);
    return std::clamp(ceil_log2(std::max(content, dictionary)), kLeast, static_cast<int>(std::bit_width(largest)) - 1);
}

std::unexpected<Error> failure(std::size_t code) {
    return fail(ErrorKind::Internal, std::string("dcz: ") + ZSTD_getErrorName(code));
}

Result<void> prepare(ZSTD_CCtx& compressor, std::size_t content, const Dictionary& dictionary, int level) {
    bool fine = !ZSTD_isError(ZSTD_CCtx_reset(&compressor, ZSTD_reset_session_and_parameters));
    const auto set = [&](ZSTD_cParameter parameter, int value) {
        fine = fine && !ZSTD_isError(ZSTD_CCtx_setParameter(&compressor, parameter, value));
    };
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_windowLog, window_log_for(content, dictionary.bytes.size()));
    set(ZSTD_c_contentSizeFlag, 1);
    set(ZSTD_c_checksumFlag, 0);
    if (!fine) return fail(ErrorKind::Internal, "dcz: parameters refused");
    const std::size_t taken = ZSTD_CCtx_refPrefix(&compressor, dictionary.bytes.data(), dictionary.bytes.size());
    if (ZSTD_isError(taken)) return failure(taken);
    return {};
}

Compressor new_compressor() { return {ZSTD_createCCtx(), ZSTD_freeCCtx}; }

// Each thread keeps its tables for the fast level, 2 MB: new ones would be a fifth of the time.
ZSTD_CCtx* own_compressor() {
    thread_local const Compressor own = new_compressor();
    return own.get();
}

struct Content {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
    std::string_view view() const { return {memory.get(), size}; }
};

Result<Content> decode_frame(std::string_view frame, std::string_view dictionary, std::size_t limit) {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
        return fail(ErrorKind::Unprocessable, "dcz: a frame without its size");  // ours have it
    }
    if (size > limit) return fail(ErrorKind::TooLarge, "dcz: more bytes come out than allowed");
    const Decompressor decompressor(ZSTD_createDCtx(), ZSTD_freeDCtx);
    if (!decompressor) return fail(ErrorKind::Internal, "dcz: no memory");
    const std::size_t taken = ZSTD_DCtx_refPrefix(decompressor.get(), dictionary.data(), dictionary.size());
    if (ZSTD_isError(taken)) return failure(taken);
    Content content{std::unique_ptr<char[]>(new char[size]), static_cast<std::size_t>(size)};
    const std::size_t made =
        ZSTD_decompressDCtx(decompressor.get(), content.memory.get(), content.size, frame.data(), frame.size());
    if (ZSTD_isError(made)) return fail(ErrorKind::Unprocessable, std::string("dcz: ") + ZSTD_getErrorName(made));
    if (made != content.size) return fail(ErrorKind::Unprocessable, "dcz: cut short");
    return content;
}

std::string header_of(const Sha256& dictionary) { return std::string(kMagic).append(as_text(dictionary)); }

Result<void> encode_at_once(ZSTD_CCtx& compressor, std::string_view bytes, ZSTD_outBuffer& to) {
    const std::size_t size =
        ZSTD_compress2(&compressor, static_cast<char*>(to.dst) + to.pos, to.size - to.pos, bytes.data(), bytes.size());
    if (ZSTD_isError(size)) return failure(size);
    to.pos += size;
    return {};
}

// `to` has room for all of it.
Result<void> encode_in_steps(ZSTD_CCtx& compressor, std::string_view bytes, ZSTD_outBuffer& to, const GoOn& go_on) {
    constexpr std::size_t kStep = 128 << 10;  // a block: 40 ms at level 19
    const std::size_t pledged = ZSTD_CCtx_setPledgedSrcSize(&compressor, bytes.size());
    if (ZSTD_isError(pledged)) return failure(pledged);
    for (std::size_t begin = 0;; begin += kStep) {
        if (!go_on()) return fail(ErrorKind::Cancelled, "dcz: not to go on");
        const std::string_view step = bytes.substr(begin, kStep);
        const bool last = bytes.size() - begin <= kStep;
        ZSTD_inBuffer from{step.data(), step.size(), 0};
        do {
            const std::size_t left = ZSTD_compressStream2(&compressor, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left)) return failure(left);
            if (last && left == 0) return {};
        } while (last || from.pos < from.size);
    }
}

}  // namespace

Result<std::string> dcz_encode(std::string_view bytes, const Dictionary& dictionary, int level, const GoOn& go_on) {
    const Compressor thorough = level > kDczFast ? new_compressor() : Compressor(nullptr, ZSTD_freeCCtx);
    ZSTD_CCtx* compressor = level > kDczFast ? thorough.get() : own_compressor();
    if (!compressor) return fail(ErrorKind::Internal, "dcz: no memory");
    TRY(prepare(*compressor, bytes.size(), dictionary, level));
    const std::size_t room = ZSTD_compressBound(bytes.size());
    // Not filled with zeros: a delta needs a few of its pages, and the rest would cost a tenth of the time at level 4.
    const std::unique_ptr<char[]> memory(new char[room]);
    ZSTD_outBuffer to{memory.get(), room, 0};
    TRY(go_on ? encode_in_steps(*compressor, bytes, to, go_on) : encode_at_once(*compressor, bytes, to));
    const std::string_view frame(memory.get(), to.pos);
    // A browser treats what does not decode as a network error, and the page stays broken: looking costs a fifth of making it
    // fast.
    const Content decoded = TRY(decode_frame(frame, dictionary.bytes, bytes.size()));
    if (decoded.view() != bytes) return fail(ErrorKind::Internal, "dcz: does not decode to what was coded");
    return header_of(dictionary.hash).append(frame);
}

Result<std::string> dcz_decode(std::string_view bytes, const Dictionary& dictionary, std::size_t limit) {
    if (!bytes.starts_with(header_of(dictionary.hash))) {
        return fail(ErrorKind::Unprocessable, "dcz: not of this coding, or of another dictionary");
    }
    return std::string(TRY(decode_frame(bytes.substr(kDczHeader), dictionary.bytes, limit)).view());
}

}  // namespace selvage::transforms
