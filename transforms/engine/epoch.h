#pragma once

#include <string>

namespace selvage::transforms {

// Names everything that decides the bytes of an output besides source and plan: our own revision of the pipeline and the
// encoders' options, libvips, and the versions of the codec libraries in this process. At most 31 characters.
//
// "r1-vips8.14.1-0123456789abcdef". Call after libvips has loaded its modules.
std::string encoder_epoch();

}  // namespace selvage::transforms
