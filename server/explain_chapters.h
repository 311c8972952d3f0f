#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "server/explain_subject.h"

namespace selvage::server {

// What an explanation says under one title: lines, the first of them the answer, the others why.
using Lines = std::vector<std::string>;

struct Chapter {
    std::string_view title;
    Lines (*write)(const Subject& subject);  // empty: nothing to say
};

// In the order in which they are read. To explain something else: a function and a line here.
extern const std::array<Chapter, 13> kChapters;

}  // namespace selvage::server
