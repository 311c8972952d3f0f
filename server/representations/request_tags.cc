#include "server/representations/request_tags.h"

namespace selvage::representations {

namespace {

std::string joined(std::string_view site, std::string_view path, char between) {
    std::string text(site);
    text += between;
    text += path;
    return text;
}

}  // namespace

using cache_store::TagKind;

RequestTags::RequestTags(const cache_store::Store& store, std::string_view site, std::string_view path, std::string_view query,
                         std::span<const std::string> labels)
    : store_(store), site_and_path_(joined(site, path.substr(path.starts_with('/') ? 1 : 0), '/')) {
    const std::string url = joined(site, path, '\0');
    tags_.push_back(cache_store::tag_of(TagKind::Site, site));
    tags_.push_back(cache_store::tag_of(TagKind::Url, url));
    if (!query.empty()) tags_.push_back(cache_store::tag_of(TagKind::Url, joined(url, query, '?')));
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
        tags_.push_back(cache_store::tag_of(TagKind::Prefix, joined(site, path.substr(0, slash + 1), '\0')));
    }
    for (const std::string& label : labels) tags_.push_back(cache_store::tag_of(TagKind::Label, label));
}

void RequestTags::ask() {
    asked_at_ = store_.sequence();  // before the question: what is purged between the two is asked for again
    floor_ = store_.floor_of(tags_, site_and_path_);
}

}  // namespace selvage::representations
