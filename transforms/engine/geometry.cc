#include "transforms/engine/geometry.h"

#include <algorithm>
#include <cmath>

namespace selvage::transforms {
namespace {

// A scale as the fraction it was asked for as: 101 px × 100/200 is exactly a half pixel, 101 × 0.333… never is.
struct Scale {
    double numerator = 1;
    double denominator = 1;

    double value() const { return numerator / denominator; }
    double exactly(double length) const { return length * numerator / denominator; }
    Scale limited(double most) const { return value() > most ? Scale{most, 1} : *this; }
    // What is left of this scale under the limit, as a factor up to 1.
    Scale share(double most) const { return value() > most ? Scale{most * denominator, numerator} : Scale{}; }
};

bool smaller(const Scale& left, const Scale& right) { return left.value() < right.value(); }

std::uint32_t rounded(double length) { return static_cast<std::uint32_t>(std::max(1.0, std::floor(length + 0.5))); }

Size scaled_by(Scale scale, Size size) { return {rounded(scale.exactly(size.width)), rounded(scale.exactly(size.height))}; }

// The box of the URL against a source. A side that was not given follows from the other by the source's ratio, so it never
// constrains anything by its own rounding.
class Box {
public:
    Box(const Plan& plan, Size source) : source_(source) {
        horizontal_ = {static_cast<double>(plan.width), static_cast<double>(source.width)};
        vertical_ = {static_cast<double>(plan.height), static_cast<double>(source.height)};
        if (plan.width == 0) horizontal_ = plan.height == 0 ? Scale{} : vertical_;
        if (plan.height == 0) vertical_ = horizontal_;
    }

    double width() const { return horizontal_.exactly(source_.width); }
    double height() const { return vertical_.exactly(source_.height); }
    Size times(Scale share) const { return {rounded(share.exactly(width())), rounded(share.exactly(height()))}; }
    Scale horizontal() const { return horizontal_; }
    Scale vertical() const { return vertical_; }
    Scale touching() const { return std::min(horizontal_, vertical_, smaller); }
    Scale covering() const { return std::max(horizontal_, vertical_, smaller); }

private:
    Size source_;
    Scale horizontal_, vertical_;
};

// The most that an image of this area at scale 1 may be scaled.
double most(Enlarging enlarging, double area) {
    return std::max(1.0, std::min(enlarging.times, std::sqrt(enlarging.pixels / area)));
}

Geometry whole(Size size) { return {.scaled = size, .window = size, .canvas = size}; }

Geometry at_scale(Scale scale, Size source, Enlarging enlarging) {
    return whole(scaled_by(scale.limited(most(enlarging, static_cast<double>(source.area()))), source));
}

// The box shrinks in its ratio until the source, scaled as far as allowed, covers it.
Geometry cover(const Box& box, Size source, Enlarging enlarging) {
    const Scale wanted = box.covering();
    const double area_at_one = box.width() * box.height() / (wanted.value() * wanted.value());
    const double limit = most(enlarging, area_at_one);
    const Size window = box.times(wanted.share(limit));
    const Size scaled = scaled_by(wanted.limited(limit), source);
    const Size enough{std::max(scaled.width, window.width), std::max(scaled.height, window.height)};
    return {.scaled = enough, .window = window, .canvas = window};
}

Geometry stretch(const Box& box, Enlarging enlarging) {
    const Scale widest = box.covering();
    const double area_at_one = box.width() * box.height() / (widest.value() * widest.value());
    return whole(box.times(widest.share(most(enlarging, area_at_one))));
}

Geometry pad(const Box& box, Size source, Enlarging enlarging) {
    Geometry geometry = at_scale(box.touching(), source, enlarging);
    const Size canvas = box.times(Scale{});
    geometry.canvas = {std::max(canvas.width, geometry.window.width), std::max(canvas.height, geometry.window.height)};
    return geometry;
}

}  // namespace

Geometry geometry_of(const Plan& plan, Size source, Enlarging enlarging) {
    const Box box(plan, source);
    if (!plan.enlarge) enlarging.times = 1;
    const bool covers = source.width >= plan.width && source.height >= plan.height;
    switch (plan.fit) {
        case Fit::Inside:
            return at_scale(box.touching(), source, enlarging);
        case Fit::Outside:
            return at_scale(box.covering(), source, enlarging);
        case Fit::Cover:
            return cover(box, source, enlarging);
        case Fit::Crop:
            return covers || plan.enlarge ? cover(box, source, enlarging) : at_scale(box.touching(), source, enlarging);
        case Fit::Pad:
            return pad(box, source, enlarging);
        case Fit::Stretch:
            return stretch(box, enlarging);
    }
    return whole(source);
}

Size output_size(const Geometry& geometry, const Plan& plan) {
    return plan.rotate % 180 == 0 ? geometry.canvas : geometry.canvas.transposed();
}

namespace {

struct Fractions {
    double x = 0.5, y = 0.5;
};

Fractions fractions_of(Gravity gravity) {
    switch (gravity) {
        case Gravity::Top:
            return {0.5, 0};
        case Gravity::Bottom:
            return {0.5, 1};
        case Gravity::Left:
            return {0, 0.5};
        case Gravity::Right:
            return {1, 0.5};
        case Gravity::TopLeft:
            return {0, 0};
        case Gravity::TopRight:
            return {1, 0};
        case Gravity::BottomLeft:
            return {0, 1};
        case Gravity::BottomRight:
            return {1, 1};
        case Gravity::Center:
        case Gravity::Smart:
        case Gravity::Entropy:
        case Gravity::Point:
            return {};
    }
    return {};
}

// The focal point comes as near to the window's centre as the edges let it.
std::int32_t around(double point, std::uint32_t window, std::uint32_t area) {
    const double start = std::floor(point * area - window / 2.0 + 0.5);
    return static_cast<std::int32_t>(std::clamp(start, 0.0, static_cast<double>(area - window)));
}

}  // namespace

Offset place(const Plan& plan, Size window, Size area) {
    if (plan.gravity == Gravity::Point) {
        return {around(plan.gravity_x, window.width, area.width), around(plan.gravity_y, window.height, area.height)};
    }
    const Fractions at = fractions_of(plan.gravity);
    return {static_cast<std::int32_t>((area.width - window.width) * at.x),
            static_cast<std::int32_t>((area.height - window.height) * at.y)};
}

}  // namespace selvage::transforms
