#include "transforms/engine/quality/curve.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace selvage::transforms::quality {
namespace {

// The logarithm of what is lost falls at the same rate for all photographs: its slope differs by a tenth from one to the other,
// and how high it is by the same 0.11 to 0.24 at any quality.
double loss(double score) { return std::log(std::max(100 - score, 0.5)); }

constexpr std::array<unsigned, 8> kQualities = {20, 35, 45, 55, 65, 75, 85, 95};
using Losses = std::array<double, kQualities.size()>;

// loss() of the median of 15 photographs at 320 px and 640 px, 2026-11-20, with Debian 12's libjpeg-turbo, libwebp (method 4; 2
// has nearly the same) and libaom (speed 9; the slower ones are given a quality with the same score). Other versions only need
// more probes.
constexpr Losses kJpeg = {4.147, 3.742, 3.587, 3.455, 3.343, 3.157, 2.916, 2.403};
constexpr Losses kWebp = {4.026, 3.778, 3.649, 3.531, 3.401, 3.288, 2.970, 2.497};
constexpr Losses kAvif = {4.497, 4.082, 3.760, 3.417, 3.154, 2.956, 2.637, 2.273};

const Losses* losses_of(Format format) {
    switch (format) {
        case Format::Jpeg:
            return &kJpeg;
        case Format::Webp:
            return &kWebp;
        case Format::Avif:
            return &kAvif;
        case Format::Png:
        case Format::Gif:
        case Format::Tiff:
        case Format::Svg:
        case Format::Heic:
        case Format::Bmp:
        case Format::Jxl:
            return nullptr;
    }
    return nullptr;
}

// Straight between the points, and on beyond the last ones.
std::size_t segment(double quality) {
    std::size_t at = 0;
    while (at + 2 < kQualities.size() && quality > kQualities[at + 1]) ++at;
    return at;
}

double slope(const Losses& losses, std::size_t at) {
    return (losses[at + 1] - losses[at]) / (kQualities[at + 1] - kQualities[at]);
}

double loss_at(const Losses& losses, double quality) {
    const std::size_t at = segment(quality);
    return losses[at] + slope(losses, at) * (quality - kQualities[at]);
}

double quality_at(const Losses& losses, double wanted) {
    std::size_t at = 0;
    while (at + 2 < losses.size() && wanted < losses[at + 1]) ++at;
    return kQualities[at] + (wanted - losses[at]) / slope(losses, at);
}

// Up: the score is a minimum that is promised.
unsigned within_bounds(double quality) {
    return static_cast<unsigned>(std::ceil(std::clamp<double>(quality, kLeastQuality, kMostQuality) - 0.25));
}

}  // namespace

bool has_curve(Format format) { return losses_of(format) != nullptr; }

unsigned usual_quality(Format format, double score) {
    const Losses* losses = losses_of(format);
    return losses == nullptr ? 0 : within_bounds(quality_at(*losses, loss(score)));
}

unsigned quality_after(Format format, unsigned quality, double score, double wanted) {
    const Losses* losses = losses_of(format);
    return losses == nullptr ? quality
                             : within_bounds(quality_at(*losses, loss_at(*losses, quality) + loss(wanted) - loss(score)));
}

unsigned quality_between(Measured below, Measured above, double wanted) {
    const double span = loss(above.score) - loss(below.score);
    const double part = span == 0 ? 1 : (loss(wanted) - loss(below.score)) / span;
    return within_bounds(below.quality + std::clamp(part, 0.0, 1.0) * (above.quality - static_cast<double>(below.quality)));
}

}  // namespace selvage::transforms::quality
