#include "transforms/engine/quality/search.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/loaders.h"
#include "transforms/engine/quality/curve.h"
#include "transforms/engine/quality/excerpt.h"
#include "transforms/engine/quality/ssimulacra2.h"

namespace selvage::transforms {
namespace {

constexpr std::size_t kMostProbes = 3;  // image-urls §3

// Pixels of which a finished image is measured: 60 MB beside the image.
constexpr std::uint64_t kMostMeasured = 2'500'000;

// A target is a minimum that is promised, and every point above it costs bytes. An encoder's quality moves the score by up to
// 1.5 points, so it is near enough from half a point below to one and a half above.
constexpr double kBelow = 0.5, kAbove = 1.5;

struct Probe {
    unsigned quality;
    double score;
    std::string bytes;
};

// A picture of one frame, its encodings and how good they are.
class Trials {
public:
    static Result<Trials> of(const Encoder& encoder, const Image& image, EncodeOptions options) {
        options.frame = {image.width(), image.height()};
        const Pixels pixels = TRY(frame_pixels(image, options.frame));
        return Trials(encoder, image, options, quality::Reference(pixels));
    }

    Result<Probe> at(unsigned quality) {
        options_.quality = quality;
        std::string bytes = TRY(encoder_.encode(image_, options_));
        const Image opened = TRY(loader_of(encoder_.format)->load(bytes, {}));
        const Image decoded = TRY(in_memory(opened));
        const Pixels candidate = TRY(frame_pixels(decoded, options_.frame));
        const double score = TRY(reference_.score(candidate));
        return Probe{quality, score, std::move(bytes)};
    }

private:
    Trials(const Encoder& encoder, Image image, const EncodeOptions& options, quality::Reference reference)
        : encoder_(encoder), image_(std::move(image)), options_(options), reference_(std::move(reference)) {}

    const Encoder& encoder_;
    Image image_;
    EncodeOptions options_;
    quality::Reference reference_;
};

// What is known after some probes, and what to try next.
class Search {
public:
    Search(Format format, unsigned target) : format_(format), target_(target) {}

    unsigned first(unsigned guess) const {
        if (guess != 0) return std::clamp(guess, quality::kLeastQuality, quality::kMostQuality);
        return quality::usual_quality(format_, aim());
    }

    void add(Probe probe) {
        const bool enough = probe.score >= target_ - kBelow;
        std::optional<Probe>& side = enough ? enough_ : below_;
        const bool nearer = !side || (enough ? probe.quality < side->quality : probe.score > side->score);
        if (nearer) side = std::move(probe);
    }

    // Nothing: what there is is near enough, or no quality is left to try.
    std::optional<unsigned> next() const {
        if (enough_ && enough_->score <= target_ + kAbove) return {};
        const unsigned quality = enough_ && below_ ? quality::quality_between(known(*below_), known(*enough_), aim())
                                                   : after(enough_ ? *enough_ : *below_);
        const bool tried = (enough_ && quality == enough_->quality) || (below_ && quality == below_->quality);
        return tried ? std::nullopt : std::optional(quality);
    }

    void forget() { below_ = enough_ = std::nullopt; }

    // The cheapest that is good enough; when there is none, the best.
    const Probe& best() const { return enough_ ? *enough_ : *below_; }

private:
    double aim() const { return target_ + (kAbove - kBelow) / 2; }
    static quality::Measured known(const Probe& probe) { return {probe.quality, probe.score}; }
    unsigned after(const Probe& probe) const { return quality::quality_after(format_, probe.quality, probe.score, aim()); }

    Format format_;
    double target_;
    std::optional<Probe> below_, enough_;
};

Result<Probe> best_of(Trials& trials, Search& search, unsigned guess, double flattery) {
    std::optional<unsigned> quality = search.first(guess);
    for (std::size_t probes = 0; quality && probes < kMostProbes; ++probes) {
        Probe probe = TRY(trials.at(*quality));
        probe.score -= flattery;
        search.add(std::move(probe));
        quality = search.next();
    }
    return search.best();
}

// Encoded whole with what served for an excerpt. Where nobody waits it is measured, and corrected once.
Result<Encoded> encode_whole(const Encoder& encoder, const Image& image, EncodeOptions options, const Probe& found,
                             Search search) {
    const bool still = image.height() == options.frame.height;
    options.quality = found.quality;
    if (!still || options.effort != ImageEffort::Best || options.frame.area() > kMostMeasured) {
        return Encoded{TRY(encoder.encode(image, options)), found.quality, found.score};
    }
    Trials trials = TRY(Trials::of(encoder, image, options));
    Probe probe = TRY(trials.at(found.quality));
    search.forget();
    search.add(std::move(probe));
    if (const std::optional<unsigned> quality = search.next()) search.add(TRY(trials.at(*quality)));
    Probe best = search.best();
    return Encoded{std::move(best.bytes), best.quality, best.score};
}

}  // namespace

Result<Encoded> encode_to_target(const Encoder& encoder, const Image& image, EncodeOptions options, unsigned target,
                                 unsigned guess) {
    if (!quality::has_curve(encoder.format)) return Encoded{.bytes = TRY(encoder.encode(image, options))};
    const Image excerpt = TRY(quality::excerpt_of(image, options.frame));
    const double flattery = quality::flattery(options.frame, {excerpt.width(), excerpt.height()});
    Trials trials = TRY(Trials::of(encoder, excerpt, options));
    Search search(encoder.format, target);
    Probe found = TRY(best_of(trials, search, guess, flattery));
    if (excerpt.get() != image.get()) return encode_whole(encoder, image, options, found, search);
    return Encoded{std::move(found.bytes), found.quality, found.score};
}

}  // namespace selvage::transforms
