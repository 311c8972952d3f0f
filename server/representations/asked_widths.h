#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/digest.h"

namespace selvage::representations {

// Which widths the pages of a site ask for, learned from what they ask: the server does not see the `srcset`, but a template
// writes the same one for all of its pictures. Any thread; told when something is made, not when it is found.
//
// A family is all that a URL asks for besides the width. A width is known when it was asked of two different pictures: what was
// asked once may be somebody's own idea.
class AskedWidths {
public:
    static constexpr std::size_t kMostFamilies = 1'000;  // 0.3 KB each
    static constexpr std::size_t kMostWidths = 16;       // in a family; a srcset has 4 to 8

    // Tells that this width was asked of this picture. The other known widths of the family, in no order.
    std::vector<std::uint32_t> asked(const Key128& family, std::uint32_t width, std::uint64_t picture);

private:
    struct Width {
        std::uint32_t width;
        std::uint64_t first_picture;
        bool known = false;
        std::uint64_t last = 0;  // turn in which it was asked
    };
    static void note(std::vector<Width>& family, std::uint32_t width, std::uint64_t picture, std::uint64_t turn);

    std::mutex mutex_;
    std::uint64_t turn_ = 0;
    std::unordered_map<Key128, std::vector<Width>> families_;
};

}  // namespace selvage::representations
