#include "transforms/order.h"

namespace selvage::transforms {

bool is_final(Format format, ImageEffort effort) {
    switch (format) {
        case Format::Jpeg:
        case Format::Avif:
        case Format::Webp:
            return effort == ImageEffort::Best;
        case Format::Png:
        case Format::Gif:
        case Format::Tiff:
        case Format::Svg:
        case Format::Heic:
        case Format::Bmp:
        case Format::Jxl:
            return true;
    }
    return true;
}

}  // namespace selvage::transforms
