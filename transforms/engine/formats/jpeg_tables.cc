#include "transforms/engine/formats/jpeg_tables.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace selvage::transforms {
namespace {

constexpr std::array<unsigned, DCTSIZE2> kRobidoux = {
    16, 16, 16,  18,  25,  37,  56,  85,   // a row per vertical frequency
    16, 17, 20,  27,  34,  40,  53,  75,   //
    16, 20, 24,  31,  43,  62,  91,  135,  //
    18, 27, 31,  40,  53,  74,  106, 156,  //
    25, 34, 43,  53,  69,  94,  131, 189,  //
    37, 40, 62,  74,  94,  124, 169, 238,  //
    56, 53, 91,  106, 131, 169, 226, 311,  //
    85, 75, 135, 156, 189, 238, 311, 418,
};

// So much finer the steps must be for the score of annex K's at the same quality: mean of 13 photographs at 640 px, qualities 15
// to 93, 0.91–0.99 and 0.78–0.89. The bytes are then 0.92–0.95 and, with the scans of jpeg_progression.h, 0.83–0.90.
constexpr double kFinerNearest = 0.94, kFinerCheapest = 0.86;

}  // namespace

void set_tables(jpeg_compress_struct& context, unsigned quality, Rounding rounding) {
    const double finer = rounding == Rounding::Nearest ? kFinerNearest : kFinerCheapest;
    const double percent = jpeg_quality_scaling(static_cast<int>(quality)) * finer;
    std::array<unsigned, DCTSIZE2> steps;
    std::ranges::transform(kRobidoux, steps.begin(),
                           [&](unsigned step) { return static_cast<unsigned>(std::max(1L, std::lround(step * percent / 100))); });
    for (const int slot : {0, 1}) jpeg_add_quant_table(&context, slot, steps.data(), 100, TRUE);
}

}  // namespace selvage::transforms
