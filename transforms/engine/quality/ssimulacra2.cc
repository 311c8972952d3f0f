#include "transforms/engine/quality/ssimulacra2.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "transforms/engine/quality/rows.h"

namespace selvage::transforms::quality {
namespace {

// What is measured between two planes. A norm of 1 is the mean, one of 4 the fourth root of the mean fourth power: a few bad
// places weigh more than the same spread over all. Ssim: another structure; Added: edges where there were none (ringing, blocks,
// banding); Lost: edges that are gone (blur).
enum class Measure : std::uint8_t { Ssim1, Ssim4, Added1, Added4, Lost1, Lost4 };

struct Term {
    Channel channel;
    std::size_t scale;
    Measure measure;
    double weight;
};

// The published weights, without those that weigh nothing (see the header).
constexpr Term kTerms[] = {
    {Channel::X, 1, Measure::Ssim4, 1.1041726426657346},  {Channel::X, 2, Measure::Ssim4, 1.8422455520539298},
    {Channel::X, 2, Measure::Added4, 11.441172603757666}, {Channel::X, 3, Measure::Ssim4, 1.8787594979546387},
    {Channel::X, 3, Measure::Added4, 10.94906990605142},  {Channel::X, 4, Measure::Added1, 0.9677937080626833},
    {Channel::X, 4, Measure::Added4, 0.9981766977854967}, {Channel::Y, 0, Measure::Ssim4, 7.466890328078848},
    {Channel::Y, 0, Measure::Lost4, 17.445833984131262},  {Channel::Y, 1, Measure::Ssim4, 6.683678146179332},
    {Channel::Y, 1, Measure::Lost4, 1.027889937768264},   {Channel::Y, 2, Measure::Ssim1, 225.20515300849274},
    {Channel::Y, 2, Measure::Ssim4, 19.213238186143016},  {Channel::Y, 3, Measure::Ssim1, 176.39317598450694},
    {Channel::Y, 3, Measure::Ssim4, 24.43300999870476},   {Channel::Y, 3, Measure::Added4, 0.28520802612117757},
    {Channel::Y, 4, Measure::Ssim4, 34.77906344483772},   {Channel::Y, 4, Measure::Added4, 44.835625328877896},
    {Channel::B, 3, Measure::Ssim4, 8.826982764996862},   {Channel::B, 3, Measure::Added4, 23.19243343998926},
    {Channel::B, 4, Measure::Ssim1, 95.1080498811086},    {Channel::B, 4, Measure::Added1, 0.9863978034400682},
    {Channel::B, 4, Measure::Lost1, 0.9834382792465353},  {Channel::B, 4, Measure::Added4, 171.2667255897307},
    {Channel::B, 4, Measure::Lost4, 0.9807858872435379},
};
static_assert(std::ranges::all_of(kTerms, [](const Term& term) { return is_judged(term.channel, term.scale); }));

double error_of(const rows::Differences& means, Measure measure) {
    const auto fourth_root = [](double mean) { return std::sqrt(std::sqrt(mean)); };
    switch (measure) {
        case Measure::Ssim1:
            return means.ssim;
        case Measure::Ssim4:
            return fourth_root(means.ssim_4);
        case Measure::Added1:
            return means.added;
        case Measure::Added4:
            return fourth_root(means.added_4);
        case Measure::Lost1:
            return means.lost;
        case Measure::Lost4:
            return fourth_root(means.lost_4);
    }
    return 0;
}

rows::Nine around(const Plane& plane, std::ptrdiff_t y) {
    rows::Nine nine;
    for (std::ptrdiff_t index = 0; index < 9; ++index) nine[static_cast<std::size_t>(index)] = plane.row(y + index - 4);
    return nine;
}

// The means over all pixels.
rows::Differences compare(const DescribedPlane& reference, const Plane& candidate) {
    rows::Differences sum;
    const std::size_t width = candidate.width(), height = candidate.height();
    for (std::ptrdiff_t y = 0; y < static_cast<std::ptrdiff_t>(height); ++y) {
        sum += rows::compare(around(reference.pixels, y), reference.mean.row(y), reference.variance.row(y), around(candidate, y),
                             width);
    }
    const double each = 1.0 / (static_cast<double>(width) * static_cast<double>(height));
    return {sum.ssim * each, sum.ssim_4 * each, sum.added * each, sum.added_4 * each, sum.lost * each, sum.lost_4 * each};
}

// From the weighted errors to the scale of people's answers, as published.
double score_of(double errors) {
    const double scaled = errors * 0.9562382616834844;
    const double bent =
        2.326765642916932 * scaled - 0.020884521182843837 * scaled * scaled + 6.248496625763138e-05 * std::pow(scaled, 3);
    return bent > 0 ? 100 - 10 * std::pow(bent, 0.6276336467831387) : 100;
}

DescribedPlane described(Plane pixels) {
    const std::size_t width = pixels.width(), height = pixels.height();
    Plane mean(width, height), variance(width, height);
    for (std::ptrdiff_t y = 0; y < static_cast<std::ptrdiff_t>(height); ++y) {
        rows::describe(around(pixels, y), width, mean.row(y), variance.row(y));
    }
    return {std::move(pixels), std::move(mean), std::move(variance)};
}

// The published program's: what shows through is judged on a dark and on a light ground.
constexpr std::array<float, 2> kGrounds = {0.1F, 0.9F};

}  // namespace

Reference::Reference(const Pixels& pixels) : opaque_(is_opaque(pixels)), size_(pixels.size) {
    for (const float ground : kGrounds) {
        if (opaque_ && !grounds_.empty()) break;
        Pyramid pyramid = pyramid_of(pixels, ground);
        Described& described_pyramid = grounds_.emplace_back();
        for (std::size_t scale = 0; scale < kScales; ++scale) {
            for (std::size_t channel = 0; channel < kChannels; ++channel) {
                if (!is_judged(static_cast<Channel>(channel), scale)) continue;
                described_pyramid[scale][channel] = described(std::move(pyramid.planes[scale][channel]));
            }
        }
    }
}

double Reference::score_on(const Described& reference, const Pixels& candidate, float ground) const {
    const Pyramid pyramid = pyramid_of(candidate, ground);
    std::array<std::array<rows::Differences, kChannels>, kScales> differences;
    for (std::size_t scale = 0; scale < kScales; ++scale) {
        for (std::size_t channel = 0; channel < kChannels; ++channel) {
            if (!is_judged(static_cast<Channel>(channel), scale)) continue;
            differences[scale][channel] = compare(reference[scale][channel], pyramid.planes[scale][channel]);
        }
    }
    double errors = 0;
    for (const Term& term : kTerms) {
        errors += term.weight * error_of(differences[term.scale][static_cast<std::size_t>(term.channel)], term.measure);
    }
    return score_of(errors);
}

Result<double> Reference::score(const Pixels& candidate) const {
    if (candidate.size != size_) {
        const Size size = candidate.size;
        return fail(ErrorKind::Internal,
                    fmt::format("{}x{} and {}x{}: no score", size.width, size.height, size_.width, size_.height));
    }
    double worst = score_on(grounds_.front(), candidate, kGrounds.front());
    if (!opaque_ || !is_opaque(candidate)) worst = std::min(worst, score_on(grounds_.back(), candidate, kGrounds.back()));
    return worst;
}

}  // namespace selvage::transforms::quality
