// Stills by the provider, sequences by libavif.

#include <vector>

#include "transforms/engine/formats/avif_library.h"
#include "transforms/engine/metadata.h"
#include "transforms/engine/providers/provider.h"

namespace selvage::transforms {
namespace {

// All frames have the same planes.
struct Sequence {
    avifPixelFormat sampling;
    bool opaque = true;
    std::vector<Pixels> frames;
};

Result<Sequence> sequence_of(const Image& image, const EncodeOptions& options) {
    Sequence sequence{.sampling = avif_sampling(TRY(frame_pixels(image, options.frame))), .frames = {}};
    for (std::uint32_t number = 0; number < image.height() / options.frame.height; ++number) {
        sequence.frames.push_back(TRY(frame_pixels(image, options.frame, number)));
        sequence.opaque = sequence.opaque && is_opaque(sequence.frames.back());
    }
    return sequence;
}

// libavif 0.11 cannot say how often a sequence is to be shown: browsers repeat it for ever.
Result<std::string> encode_sequence(const Image& image, const EncodeOptions& options) {
    const Sequence sequence = TRY(sequence_of(image, options));
    const std::vector<std::uint32_t> durations = frame_durations(image, sequence.frames.size());
    const AvifEncoder encoder = TRY(avif_encoder(options));
    encoder->timescale = 1000;
    for (std::size_t number = 0; number < sequence.frames.size(); ++number) {
        const AvifImage planes = TRY(avif_planes(sequence.frames[number], sequence.sampling, sequence.opaque));
        if (options.keep_metadata && number == 0) add_owner(image, planes.get());
        TRY(avif_succeeded(avifEncoderAddImage(encoder.get(), planes.get(), durations[number], AVIF_ADD_IMAGE_FLAG_NONE),
                           encoder.get()));
    }
    AvifBytes buffer;
    TRY(avif_succeeded(avifEncoderFinish(encoder.get(), &buffer.data), encoder.get()));
    return buffer.text();
}

}  // namespace

Result<std::string> encode_avif(const Image& image, const EncodeOptions& options) {
    return image.height() == options.frame.height ? provider::encode_still_avif(image, options) : encode_sequence(image, options);
}

}  // namespace selvage::transforms
