#include "transforms/engine/resize/weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace selvage::transforms {
namespace {

constexpr double kLobes = 3;

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }
double lanczos(double x) { return std::abs(x) < kLobes ? sinc(x) * sinc(x / kLobes) : 0; }

// The weights of the places first…last, those beyond the ends added to the ends.
std::vector<double> exact_weights(double centre, double factor, std::int64_t first, std::int64_t last, std::int64_t end) {
    const std::int64_t begin = std::clamp<std::int64_t>(first, 0, end - 1);
    std::vector<double> weights(static_cast<std::size_t>(std::clamp<std::int64_t>(last, 0, end - 1) - begin + 1));
    double sum = 0;
    for (std::int64_t at = first; at <= last; ++at) {
        const double weight = lanczos((static_cast<double>(at) - centre) / factor);
        weights[static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, end - 1) - begin)] += weight;
        sum += weight;
    }
    for (double& weight : weights) weight /= sum;
    return weights;
}

// Rounded so that nothing of the whole is lost: a plain area stays what it is.
void append_rounded(std::span<const double> exact, std::vector<std::int16_t>& out) {
    const std::size_t begin = out.size();
    double carried = 0;
    for (const double weight : exact) {
        const double wanted = weight * (1 << Weights::kBits) + carried;
        out.push_back(static_cast<std::int16_t>(std::lround(wanted)));
        carried = wanted - out.back();
    }
    if ((out.size() - begin) % 2 != 0) out.push_back(0);
}

}  // namespace

Weights::Weights(std::uint32_t from, double extent, std::uint32_t to) {
    const double factor = extent / to;
    places_.reserve(to);
    for (std::uint32_t place = 0; place < to; ++place) {
        const double centre = (place + 0.5) * factor - 0.5;
        const auto first = static_cast<std::int64_t>(std::ceil(centre - kLobes * factor));
        const auto last = static_cast<std::int64_t>(std::floor(centre + kLobes * factor));
        const std::size_t begin = weights_.size();
        append_rounded(exact_weights(centre, factor, first, last, from), weights_);
        const auto count = static_cast<std::uint32_t>(weights_.size() - begin);
        places_.push_back({static_cast<std::uint32_t>(std::max<std::int64_t>(first, 0)), count, begin});
        most_ = std::max(most_, count);
    }
}

}  // namespace selvage::transforms
