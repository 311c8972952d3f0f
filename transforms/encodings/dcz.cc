// Dictionary-Compressed Zstandard. Source: RFC 9842 §5; zstd.h.

#include "transforms/encodings/dcz.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/stash.h"

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

// While a client waits: the fastest strategy, with as many places as level 4 has and only matches that are worth their code. Of
// five pairs of releases of 0.17 to 1.7 MB it takes 1.0 ms per MB where level 4 takes 1.5, and makes 1.2 % more of them. Below
// 256 KiB with the dictionary, where level 4 stands for another strategy, 1.2 ms in place of 3.6, and 10 % more; the best
// replaces it soon.
constexpr std::array<std::pair<ZSTD_cParameter, int>, 3> kFast = {
    {{ZSTD_c_strategy, ZSTD_fast}, {ZSTD_c_hashLog, 18}, {ZSTD_c_minMatch, 7}}};

std::unexpected<Error> failure(std::size_t code) {
    return fail(ErrorKind::Internal, std::string("dcz: ") + ZSTD_getErrorName(code));
}

Result<void> prepare(ZSTD_CCtx& compressor, std::size_t content, const Dictionary& dictionary, int level) {
    bool fine = !ZSTD_isError(ZSTD_CCtx_reset(&compressor, ZSTD_reset_session_and_parameters));
    const auto set = [&](ZSTD_cParameter parameter, int value) {
        fine = fine && !ZSTD_isError(ZSTD_CCtx_setParameter(&compressor, parameter, value));
    };
    set(ZSTD_c_compressionLevel, level);
    if (level <= kDczFast) {
        for (const auto& [parameter, value] : kFast) set(parameter, value);
    }
    set(ZSTD_c_windowLog, window_log_for(content, dictionary.bytes.size()));
    set(ZSTD_c_contentSizeFlag, 1);
    set(ZSTD_c_checksumFlag, 0);
    if (!fine) return fail(ErrorKind::Internal, "dcz: parameters refused");
    const std::size_t taken = ZSTD_CCtx_refPrefix(&compressor, dictionary.bytes.data(), dictionary.bytes.size());
    if (ZSTD_isError(taken)) return failure(taken);
    return {};
}

// Memory whose pages are there from the last time: to have them made anew, and filled with zeros, would be a fifth of the time.
class Room {
public:
    // What is in it is anything.
    std::span<char> of(std::size_t size) {
        if (size > size_) {
            memory_.reset();
            memory_.reset(new char[size]);
            size_ = size;
        }
        return {memory_.get(), size};
    }
    void keep_at_most(std::size_t size) {
        if (size_ > size) memory_.reset(), size_ = 0;
    }

private:
    std::unique_ptr<char[]> memory_;
    std::size_t size_ = 0;
};

// What coding needs, and looking whether it decodes.
struct Tools {
    Compressor compressor{ZSTD_createCCtx(), ZSTD_freeCCtx};  // for the fast level
    Decompressor decompressor{ZSTD_createDCtx(), ZSTD_freeDCtx};
    Room frame, content;

    void tidy_up() {
        frame.keep_at_most(kMostKept);
        content.keep_at_most(kMostKept);
    }

    static constexpr std::size_t kMostKept = std::size_t{4} << 20;  // what is coded while a client waits
};

Stash<Tools>& stash() {
    static Stash<Tools> tools(std::max(2 * std::thread::hardware_concurrency(), 2U));  // dictionaries.at_once
    return tools;
}

// What it returns is good until the room is used again.
Result<std::string_view> decode_frame(std::string_view frame, std::string_view dictionary, std::size_t limit, Tools& tools) {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
        return fail(ErrorKind::Unprocessable, "dcz: a frame without its size");  // ours have it
    }
    if (size > limit) return fail(ErrorKind::TooLarge, "dcz: more bytes come out than allowed");
    ZSTD_DCtx* decompressor = tools.decompressor.get();
    if (!decompressor) return fail(ErrorKind::Internal, "dcz: no memory");
    ZSTD_DCtx_reset(decompressor, ZSTD_reset_session_only);
    const std::size_t taken = ZSTD_DCtx_refPrefix(decompressor, dictionary.data(), dictionary.size());
    if (ZSTD_isError(taken)) return failure(taken);
    const std::span<char> content = tools.content.of(static_cast<std::size_t>(size));
    const std::size_t made = ZSTD_decompressDCtx(decompressor, content.data(), content.size(), frame.data(), frame.size());
    if (ZSTD_isError(made)) return fail(ErrorKind::Unprocessable, std::string("dcz: ") + ZSTD_getErrorName(made));
    if (made != content.size()) return fail(ErrorKind::Unprocessable, "dcz: cut short");
    return std::string_view(content.data(), content.size());
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
    const auto tools = stash().borrow();
    const bool fast = level <= kDczFast;
    const Compressor thorough(fast ? nullptr : ZSTD_createCCtx(), ZSTD_freeCCtx);  // tens of MB: not for keeping
    ZSTD_CCtx* compressor = fast ? tools->compressor.get() : thorough.get();
    if (!compressor) return fail(ErrorKind::Internal, "dcz: no memory");
    TRY(prepare(*compressor, bytes.size(), dictionary, level));
    const std::span<char> room = tools->frame.of(ZSTD_compressBound(bytes.size()));  // of which a delta needs a few pages
    ZSTD_outBuffer to{room.data(), room.size(), 0};
    TRY(go_on ? encode_in_steps(*compressor, bytes, to, go_on) : encode_at_once(*compressor, bytes, to));
    const std::string_view frame(room.data(), to.pos);
    // A browser treats what does not decode as a network error, and the page stays broken: looking costs a fifth of making it
    // fast.
    const std::string_view decoded = TRY(decode_frame(frame, dictionary.bytes, bytes.size(), *tools));
    if (decoded != bytes) return fail(ErrorKind::Internal, "dcz: does not decode to what was coded");
    return header_of(dictionary.hash).append(frame);
}

Result<std::string> dcz_decode(std::string_view bytes, const Dictionary& dictionary, std::size_t limit) {
    if (!bytes.starts_with(header_of(dictionary.hash))) {
        return fail(ErrorKind::Unprocessable, "dcz: not of this coding, or of another dictionary");
    }
    const auto tools = stash().borrow();
    return std::string(TRY(decode_frame(bytes.substr(kDczHeader), dictionary.bytes, limit, *tools)));
}

}  // namespace selvage::transforms
