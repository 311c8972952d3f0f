#include "server/warm_command_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <utility>

#include "base/reference.h"
#include "base/url.h"
#include "server/transform_command_files.h"
#include "server/warm_command_log.h"
#include "server/warm_command_pages.h"
#include "transforms/dialects/canonical.h"
#include "transforms/probe.h"

namespace selvage::server {

namespace fs = std::filesystem;

namespace {

// Source: image-urls §3.
constexpr unsigned kLadder[] = {16,  32,  48,  64,  96,   128,  160,  192,  256,  320,  384,  480,  512,  640,
                                750, 768, 828, 960, 1024, 1080, 1200, 1280, 1440, 1600, 1920, 2048, 2560, 3840};
constexpr std::string_view kAnything = "*/*";
constexpr std::uint64_t kLargestPage = 64 << 20;
constexpr std::size_t kHeader = 64 << 10;  // enough for the size of nearly every image: probe.h

// What is negotiated is asked for as by each kind of browser, anything else once.
void add(std::vector<WarmRequest>& requests, const std::string& target, const std::string& host,
         std::span<const std::string> accepts) {
    const auto asked = transforms::parse_canonical(split_target(target).query, {});
    if (asked && *asked && (*asked)->plan.auto_format) {
        for (const std::string& accept : accepts) requests.push_back({.target = target, .accept = accept, .host = host});
    } else {
        requests.push_back({.target = target, .accept = std::string(kAnything), .host = host});
    }
}

std::string head_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string head(kHeader, '\0');
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return head;
}

bool is_page(const fs::path& path) { return path.extension() == ".html" || path.extension() == ".htm"; }

bool is_image(std::string_view target) { return has_image_extension(split_target(target).path); }

Result<std::map<std::pair<std::string, std::string>, std::size_t>> count(std::istream& lines) {
    std::map<std::pair<std::string, std::string>, std::size_t> counts;
    for (std::string line; std::getline(lines, line);) {
        if (auto asked = parse_log_line(line); asked && is_image(asked->target)) {
            ++counts[{std::move(asked->host), std::move(asked->target)}];
        }
    }
    return counts;
}

}  // namespace

Result<std::vector<std::string>> accepts_of(std::span<const std::string> formats) {
    static constexpr std::pair<std::string_view, std::string_view> kAccepts[] = {
        {"avif", "image/avif,image/webp,*/*;q=0.8"}, {"webp", "image/webp,*/*;q=0.8"}, {"fallback", kAnything}};
    std::vector<std::string> accepts;
    for (const std::string& format : formats) {
        const auto* const found = std::ranges::find(kAccepts, format, &std::pair<std::string_view, std::string_view>::first);
        if (found == std::end(kAccepts)) {
            return fail(ErrorKind::BadRequest, fmt::format("--formats {}: expected avif, webp or fallback", format));
        }
        accepts.emplace_back(found->second);
    }
    return accepts;
}

Result<std::vector<unsigned>> parse_ladder(const std::string& text) {
    if (text.empty() || text == "true") return std::vector<unsigned>(std::begin(kLadder), std::end(kLadder));
    std::vector<unsigned> widths;
    for (std::string_view rest = text; !rest.empty();) {
        const auto word = rest.substr(0, rest.find(','));
        unsigned width = 0;
        const char* const end = word.data() + word.size();
        const auto [stop, error] = std::from_chars(word.data(), end, width);
        if (error != std::errc() || stop != end || width == 0 || width > 8192) {
            return fail(ErrorKind::BadRequest, fmt::format("--ladder={}: expected widths of 1…8192", text));
        }
        widths.push_back(width);
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
    return widths;
}

Result<std::vector<WarmRequest>> ladder_requests(const WarmSite& site, std::span<const unsigned> widths,
                                                 std::span<const std::string> accepts) {
    const std::array<std::string, 1> roots = {site.root};
    std::vector<WarmRequest> requests;
    for (const SourceFile& file : TRY(find_sources(roots, Folders::Recursive))) {
        const auto probe = transforms::probe(head_of(file.path));
        if (!probe || probe->format == transforms::Format::Svg || !transforms::row_of(probe->format).can_load) continue;
        const std::string path = encode_path("/" + fs::path(file.path).lexically_relative(site.root).generic_string());
        for (const unsigned width : widths) {
            if (width <= probe->width) add(requests, fmt::format("{}?w={}", path, width), site.host, accepts);
        }
    }
    return requests;
}

std::vector<WarmRequest> page_requests(std::string_view html, const std::string& page, std::span<const std::string> hosts,
                                       const std::string& host, std::span<const std::string> accepts) {
    std::vector<WarmRequest> requests;
    const PageImages images = images_of_page(html);
    const auto base = images.base.empty() ? page : own_target(images.base, page, hosts);
    if (!base) return requests;  // all that is relative is another site's
    for (const std::string& reference : images.references) {
        if (const auto target = own_target(reference, *base, hosts)) add(requests, *target, host, accepts);
    }
    return requests;
}

Result<std::vector<PageFile>> read_pages(const std::string& path, const std::string& root) {
    std::vector<PageFile> pages;
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        const std::string below =
            root.empty()
                ? ""
                : fs::weakly_canonical(path, error).lexically_relative(fs::weakly_canonical(root, error)).generic_string();
        const bool inside = !below.empty() && !below.starts_with("..");
        auto html = read_whole(path, kLargestPage);
        if (!html) return fail(html.error().kind, fmt::format("{}: {}", path, html.error().detail));
        pages.push_back({.target = "/" + (inside ? below : fs::path(path).filename().string()), .html = *std::move(html)});
        return pages;
    }
    for (fs::recursive_directory_iterator each(path, fs::directory_options::skip_permission_denied, error), end;
         !error && each != end; each.increment(error)) {
        if (!is_page(each->path()) || !each->is_regular_file()) continue;
        auto html = TRY(read_whole(each->path().string(), kLargestPage));
        pages.push_back({.target = "/" + each->path().lexically_relative(path).generic_string(), .html = std::move(html)});
    }
    std::ranges::sort(pages, {}, &PageFile::target);
    return pages;
}

Result<std::vector<WarmRequest>> log_requests(const std::string& path, std::size_t top, const std::string& host,
                                              std::span<const std::string> accepts) {
    std::ifstream file;
    if (path != "-") {
        file.open(path);
        if (!file) return fail(ErrorKind::NotFound, fmt::format("there is no '{}'", path));
    }
    const auto counts = TRY(count(path == "-" ? std::cin : file));
    using Counted = std::pair<std::size_t, const std::pair<std::string, std::string>*>;
    std::vector<Counted> order;
    order.reserve(counts.size());
    for (const auto& [asked, times] : counts) order.emplace_back(times, &asked);
    std::ranges::sort(order, [](const Counted& left, const Counted& right) {
        return left.first != right.first ? left.first > right.first : *left.second < *right.second;
    });
    if (top > 0 && order.size() > top) order.resize(top);
    std::vector<WarmRequest> requests;
    for (const auto& [times, asked] : order) add(requests, asked->second, host.empty() ? asked->first : host, accepts);
    return requests;
}

}  // namespace selvage::server
