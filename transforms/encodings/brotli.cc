// Brotli. Source: RFC 7932; brotli/encode.h, brotli/decode.h.

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "transforms/encodings/codecs.h"
#include "transforms/encodings/output.h"

namespace selvage::transforms {
namespace {

int quality_for(std::size_t size, Effort effort) {
    switch (effort) {
        case Effort::First:
            return 5;
        case Effort::Background:
            return size > kSmallForBackground ? 9 : 11;
        case Effort::Best:
            return 11;
    }
    return 5;
}

// The smallest window that covers all of the input (16 bytes of it are never reachable). At most 24: RFC 7932 has no larger,
// and browsers refuse the "large window" extension.
int window_for(std::size_t size) {
    return std::clamp(static_cast<int>(std::bit_width(size + 16)), BROTLI_MIN_WINDOW_BITS, BROTLI_MAX_WINDOW_BITS);
}

using Decoder = std::unique_ptr<BrotliDecoderState, decltype(&BrotliDecoderDestroyInstance)>;

const std::uint8_t* octets(std::string_view bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

class BrotliEncoder final : public Encoder {
public:
    BrotliEncoder(Effort effort, CodedSink sink) : effort_(effort), sink_(std::move(sink)) {}

    bool prepare(std::uint64_t size) {
        const auto set = [this](BrotliEncoderParameter parameter, std::uint64_t value) {
            return BrotliEncoderSetParameter(encoder_.get(), parameter, static_cast<std::uint32_t>(value)) == BROTLI_TRUE;
        };
        constexpr std::uint64_t kMostHint = 1U << 30;
        return encoder_ && set(BROTLI_PARAM_QUALITY, static_cast<std::uint64_t>(quality_for(size, effort_))) &&
               set(BROTLI_PARAM_LGWIN, static_cast<std::uint64_t>(window_for(size))) &&
               set(BROTLI_PARAM_SIZE_HINT, std::min(size, kMostHint));
    }

    // Left to itself it keeps up to 16 MiB of input back, which is a third of a second of waiting.
    Result<void> add(std::string_view bytes) override {
        TRY(run(BROTLI_OPERATION_PROCESS, bytes));
        kept_back_ += bytes.size();
        if (effort_ != Effort::First || kept_back_ < kMostKeptBack) return {};
        return flush();
    }
    Result<void> flush() override {
        kept_back_ = 0;
        return run(BROTLI_OPERATION_FLUSH, {});
    }
    Result<void> finish() override { return run(BROTLI_OPERATION_FINISH, {}); }

private:
    // 20 ms of work; a tenth of a percent larger than without.
    static constexpr std::size_t kMostKeptBack = 1U << 20;

    Result<void> run(BrotliEncoderOperation operation, std::string_view bytes) {
        std::size_t left = bytes.size(), room = 0;
        const std::uint8_t* in = octets(bytes);
        do {
            if (!BrotliEncoderCompressStream(encoder_.get(), operation, &left, &in, &room, nullptr, nullptr)) {
                return fail(ErrorKind::Internal, "brotli: compression failed");
            }
            while (BrotliEncoderHasMoreOutput(encoder_.get())) {
                std::size_t size = kEncoderStep;
                const auto* out = reinterpret_cast<const char*>(BrotliEncoderTakeOutput(encoder_.get(), &size));
                sink_({out, size});
            }
        } while (left > 0 || (operation == BROTLI_OPERATION_FINISH && !BrotliEncoderIsFinished(encoder_.get())));
        return {};
    }

    const Effort effort_;
    CodedSink sink_;
    std::unique_ptr<BrotliEncoderState, decltype(&BrotliEncoderDestroyInstance)> encoder_{
        BrotliEncoderCreateInstance(nullptr, nullptr, nullptr), BrotliEncoderDestroyInstance};
    std::size_t kept_back_ = 0;
};

}  // namespace

Result<std::string> brotli_encode(std::string_view bytes, Effort effort) {
    // Zero: the size overflows. One call sets the size hint and falls back to stored blocks where nothing is gained.
    const std::size_t bound = BrotliEncoderMaxCompressedSize(bytes.size());
    if (bound == 0) return fail(ErrorKind::TooLarge, "brotli: too many bytes");
    std::string out(bound, '\0');
    std::size_t size = out.size();
    if (!BrotliEncoderCompress(quality_for(bytes.size(), effort), window_for(bytes.size()), BROTLI_MODE_GENERIC, bytes.size(),
                               octets(bytes), &size, reinterpret_cast<std::uint8_t*>(out.data())))
        return fail(ErrorKind::Internal, "brotli: compression failed");
    out.resize(size);
    return out;
}

Result<std::string> brotli_decode(std::string_view bytes, std::size_t limit) {
    const Decoder decoder(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
    if (!decoder) return fail(ErrorKind::Internal, "brotli: no memory");
    Output out(bytes.size(), limit);
    const auto* in = octets(bytes);
    std::size_t left = bytes.size();
    for (;;) {
        if (!out.make_room()) return std::move(out).finish();
        auto* next = reinterpret_cast<std::uint8_t*>(out.free());
        std::size_t room = out.room();
        const auto status = BrotliDecoderDecompressStream(decoder.get(), &left, &in, &room, &next, nullptr);
        out.add(out.room() - room);
        switch (status) {
            case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
                continue;
            case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
                return fail(ErrorKind::Unprocessable, "brotli: cut short");
            case BROTLI_DECODER_RESULT_ERROR:
                return fail(ErrorKind::Unprocessable, "brotli: damaged");
            case BROTLI_DECODER_RESULT_SUCCESS:
                if (left != 0) return fail(ErrorKind::Unprocessable, "brotli: bytes behind the end");
                return std::move(out).finish();
        }
    }
}

Result<std::unique_ptr<Encoder>> brotli_begin(std::uint64_t size, Effort effort, CodedSink sink) {
    auto encoder = std::make_unique<BrotliEncoder>(effort, std::move(sink));
    if (!encoder->prepare(size)) return fail(ErrorKind::Internal, "brotli: no memory");
    return encoder;
}

std::string brotli_version() { return fmt::format("{:x}", BrotliEncoderVersion()); }

}  // namespace selvage::transforms
