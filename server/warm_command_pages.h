#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selvage::server {

// What a page shows, as its HTML says it: nothing is rendered and no script is run.
struct PageImages {
    std::string base;                     // of <base href>; else empty
    std::vector<std::string> references;  // URLs as written, character references decoded; in order, also repeatedly
};

// From src, srcset and data-src(set) of img and source, input src, video poster, image href, link rel=preload as=image (href,
// imagesrcset), link rel=icon, and url() in style attributes and elements (as far as they end as images do). Any bytes: what is
// no HTML has no images. Linear in its size.
// Source: HTML Standard §13.2.5 (tags, attributes), §4.8.4.2.1 (srcset).
PageImages images_of_page(std::string_view html);

// The candidates' URLs of a srcset, without their descriptors.
std::vector<std::string> urls_of_srcset(std::string_view srcset);

}  // namespace selvage::server
