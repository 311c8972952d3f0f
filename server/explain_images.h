#pragma once

#include <string>
#include <vector>

#include "server/explain_subject.h"

namespace selvage::server {

// The canonical URL of an image, what it asks for, and what is sent or would be made. Empty when the URL asks for no image.
std::vector<std::string> explain_image(const Subject& subject);

}  // namespace selvage::server
