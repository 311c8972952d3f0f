#pragma once

#include <string>
#include <vector>

#include "server/explain_subject.h"

namespace selvage::server {

// What the file has to do with compression dictionaries, or why nothing: the chapter of explain_chapters.h.
std::vector<std::string> explain_dictionary(const Subject& subject);

}  // namespace selvage::server
