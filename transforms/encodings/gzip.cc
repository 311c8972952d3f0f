// gzip through zlib. Source: RFC 1952; zlib.h.

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "transforms/encodings/codecs.h"
#include "transforms/encodings/output.h"

namespace selvage::transforms {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, with gzip's header and trailer
constexpr int kMemoryLevel = 8;       // zlib's default
constexpr int kUnknownSystem = 255;   // with no time and no name in the header either, so that every edge writes the same bytes

int level_for(Effort effort) { return effort == Effort::First ? 6 : 9; }

// zlib counts in unsigned int.
uInt slice(std::size_t size) { return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max())); }

// zlib takes its input as non-const for historical reasons only (ZLIB_CONST).
Bytef* input(const char* bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes)); }

struct Deflater {
    z_stream stream{};
    bool ready;
    explicit Deflater(int level)
        : ready(deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK) {}
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    ~Deflater() { deflateEnd(&stream); }
};

class GzipEncoder final : public Encoder {
public:
    GzipEncoder(Effort effort, CodedSink sink) : sink_(std::move(sink)), out_(kEncoderStep, '\0'), deflater_(level_for(effort)) {
        header_.os = kUnknownSystem;
    }

    bool prepare() { return deflater_.ready && deflateSetHeader(&deflater_.stream, &header_) == Z_OK; }

    Result<void> add(std::string_view bytes) override {
        for (; !bytes.empty(); bytes.remove_prefix(slice(bytes.size())))
            TRY(run(bytes.substr(0, slice(bytes.size())), Z_NO_FLUSH));
        return {};
    }
    Result<void> flush() override { return run({}, Z_SYNC_FLUSH); }
    Result<void> finish() override { return run({}, Z_FINISH); }

private:
    // zlib.h: as long as it fills all of the room, it may have more to say.
    Result<void> run(std::string_view bytes, int mode) {
        auto& stream = deflater_.stream;
        stream.next_in = input(bytes.data());
        stream.avail_in = static_cast<uInt>(bytes.size());
        do {
            stream.next_out = reinterpret_cast<Bytef*>(out_.data());
            stream.avail_out = static_cast<uInt>(out_.size());
            if (deflate(&stream, mode) == Z_STREAM_ERROR) return fail(ErrorKind::Internal, "zlib: deflate failed");
            if (const std::size_t size = out_.size() - stream.avail_out; size > 0) sink_({out_.data(), size});
        } while (stream.avail_out == 0);
        return {};
    }

    CodedSink sink_;
    std::string out_;
    gz_header header_{};
    Deflater deflater_;
};

struct Inflater {
    z_stream stream{};
    bool ready;
    Inflater() : ready(inflateInit2(&stream, kGzipWindow) == Z_OK) {}
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

Result<std::string> gzip_encode(std::string_view bytes, Effort effort) {
    Deflater deflater(level_for(effort));
    gz_header header{};
    header.os = kUnknownSystem;
    if (!deflater.ready || deflateSetHeader(&deflater.stream, &header) != Z_OK)
        return fail(ErrorKind::Internal, "zlib: no memory");
    auto& stream = deflater.stream;
    std::string out(deflateBound(&stream, bytes.size()), '\0');
    std::size_t read = 0, written = 0;
    for (int status = Z_OK; status != Z_STREAM_END;) {
        const uInt in = slice(bytes.size() - read), room = slice(out.size() - written);
        stream.next_in = input(bytes.data() + read);
        stream.avail_in = in;
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
        stream.avail_out = room;
        status = deflate(&stream, read + in == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
        read += in - stream.avail_in;
        written += room - stream.avail_out;
        if (status != Z_OK && status != Z_STREAM_END) return fail(ErrorKind::Internal, "zlib: deflate failed");
    }
    out.resize(written);
    return out;
}

Result<std::string> gzip_decode(std::string_view bytes, std::size_t limit) {
    Inflater inflater;
    if (!inflater.ready) return fail(ErrorKind::Internal, "zlib: no memory");
    auto& stream = inflater.stream;
    Output out(bytes.size(), limit);
    std::size_t read = 0;
    for (;;) {
        if (!out.make_room()) return std::move(out).finish();
        const uInt in = slice(bytes.size() - read), room = slice(out.room());
        stream.next_in = input(bytes.data() + read);
        stream.avail_in = in;
        stream.next_out = reinterpret_cast<Bytef*>(out.free());
        stream.avail_out = room;
        const int status = inflate(&stream, Z_NO_FLUSH);
        read += in - stream.avail_in;
        out.add(room - stream.avail_out);
        if (status == Z_STREAM_END) {
            if (read == bytes.size()) return std::move(out).finish();
            inflateReset(&stream);  // members may follow one another: RFC 1952 §2.2
        } else if (status != Z_OK) {
            return fail(ErrorKind::Unprocessable, status == Z_BUF_ERROR ? "gzip: cut short" : "gzip: damaged");
        }
    }
}

Result<std::unique_ptr<Encoder>> gzip_begin(std::uint64_t, Effort effort, CodedSink sink) {
    auto encoder = std::make_unique<GzipEncoder>(effort, std::move(sink));
    if (!encoder->prepare()) return fail(ErrorKind::Internal, "zlib: no memory");
    return encoder;
}

std::string gzip_version() { return zlibVersion(); }

}  // namespace selvage::transforms
