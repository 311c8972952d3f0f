#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace selvage::server {

// One request that fills the cache.
struct WarmRequest {
    std::string target;
    std::string accept;
    std::string host;  // empty: that of the server's address
    friend auto operator<=>(const WarmRequest&, const WarmRequest&) = default;
};

// A folder that the server serves, and the host that it is served as (empty: any).
struct WarmSite {
    std::string root;
    std::string host;
};

// A browser that shows AVIF, one that shows WebP, one that shows neither: the Accept field of each. Errors: BadRequest, for
// another name than "avif", "webp", "fallback".
Result<std::vector<std::string>> accepts_of(std::span<const std::string> formats);

// "320,640": Errors: BadRequest. Empty or "true": the ladder of image-urls §3.
Result<std::vector<unsigned>> parse_ladder(const std::string& text);

// Every image under the root × the widths that are not above its own × the formats; image by image, so that the server decodes
// each once. Drawings are left out: they have no widths. Errors: NotFound.
Result<std::vector<WarmRequest>> ladder_requests(const WarmSite& site, std::span<const unsigned> widths,
                                                 std::span<const std::string> accepts);

// The images of a page. `hosts`, `page`: as own_target() has them.
std::vector<WarmRequest> page_requests(std::string_view html, const std::string& page, std::span<const std::string> hosts,
                                       const std::string& host, std::span<const std::string> accepts);

// Pages in files: one, or every .html and .htm of a folder, which stands for the site's root. A single file is at its place under
// `root`, or at the top. Errors: NotFound, TooLarge.
struct PageFile {
    std::string target;
    std::string html;
};
Result<std::vector<PageFile>> read_pages(const std::string& path, const std::string& root);

// The images that were asked for, the most frequent first; the first `top` of them (0: all). "-": standard input. How each asked
// is not in the log: every format. Errors: NotFound.
Result<std::vector<WarmRequest>> log_requests(const std::string& path, std::size_t top, const std::string& host,
                                              std::span<const std::string> accepts);

}  // namespace selvage::server
