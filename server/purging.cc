#include "server/purging.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/url.h"

namespace selvage::server {
namespace {

using cache_store::tag_of;
using cache_store::TagKind;

constexpr std::size_t kLongestGlob = 1'024;  // every look-up compares paths with all of them

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
    return fail(ErrorKind::Unprocessable, fmt::format(format, std::forward<Args>(args)...));
}

// The sites that a word is about, and what it says of them.
struct Meant {
    std::vector<const Site*> sites;
    bool every_site = false;
    std::string_view target;  // path and query, as written
};

// Tags are of the site's first name, whichever of its names was asked by.
const std::string& name_of(const Site& site) { return site.settings->hosts.front(); }

std::size_t scheme_of(std::string_view word) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (equals_ignoring_case(word.substr(0, scheme.size()), scheme)) return scheme.size();
    }
    return 0;
}

Result<Meant> meant_by(std::string_view word, const Snapshot& snapshot) {
    Meant meant;
    if (word.starts_with('/')) {
        for (const Site& site : snapshot.sites) meant.sites.push_back(&site);
        meant.every_site = true;
        meant.target = word;
        return meant;
    }
    const std::size_t scheme = scheme_of(word);
    if (scheme == 0) return wrong("\"{}\" is neither an absolute URL nor a path that begins with '/'", word);
    const std::string_view rest = word.substr(scheme);
    const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, path);
    const Site* site = authority.empty() ? nullptr : snapshot.find(authority);
    if (site == nullptr) return wrong("\"{}\": no site answers to \"{}\"", word, authority);
    meant.sites.push_back(site);
    meant.target = rest.substr(path);
    return meant;
}

Result<std::string> path_of(std::string_view word, std::string_view raw) {
    if (raw.empty()) return "/";
    auto path = normalise_path(raw);
    if (!path) return wrong("\"{}\": {}", word, path.error().detail);
    return path;
}

std::string text_of(const Site& site, std::string_view path) {
    std::string text = name_of(site);
    text += '\0';
    text += path;
    return text;
}

class Collecting {
public:
    explicit Collecting(const Snapshot& snapshot) : snapshot_(snapshot) {}

    Result<void> url(std::string_view word);
    Result<void> prefix(std::string_view word);
    Result<void> glob(std::string_view word);
    void label(std::string_view word) { purge_.tags.push_back(tag_of(TagKind::Label, word)); }
    Result<void> everything();

    cache_store::Purge take(cache_store::Purge::Effect effect);

private:
    Result<void> look_again();
    Result<void> sources_of(const Site& site, const std::string& path);

    const Snapshot& snapshot_;
    cache_store::Purge purge_;
};

Result<void> Collecting::url(std::string_view word) {
    const Meant meant = TRY(meant_by(word, snapshot_));
    const TargetParts target = split_target(meant.target.substr(0, meant.target.find('#')));
    const std::string path = TRY(path_of(word, target.path));
    for (const Site* site : meant.sites) {
        std::string text = text_of(*site, path);
        const bool alone = !target.query.empty();
        if (alone) (text += '?') += target.query;
        purge_.tags.push_back(tag_of(TagKind::Url, text));
        site->catalogue->forget(path);
        if (!alone) TRY(sources_of(*site, path));
    }
    return {};
}

// What was made of the file lies under its content, which other URLs may have too.
Result<void> Collecting::sources_of(const Site& site, const std::string& path) {
    const catalogue::Entry entry = TRY(site.catalogue->resolve(path));
    const auto* source = std::get_if<catalogue::SourcePtr>(&entry);
    if (source == nullptr) return {};
    purge_.tags.push_back(cache_store::source_tag((*source)->content));
    if (const auto& before = (*source)->predecessor) purge_.tags.push_back(cache_store::source_tag(before->source->content));
    return {};
}

Result<void> Collecting::prefix(std::string_view word) {
    const Meant meant = TRY(meant_by(word, snapshot_));
    if (meant.target.find('?') != std::string_view::npos) return wrong("\"{}\": a prefix has no query", word);
    const std::string path = TRY(path_of(word, meant.target));
    if (!path.ends_with('/')) return wrong("\"{}\": a prefix ends with '/'; for parts of a name use a glob", word);
    for (const Site* site : meant.sites) {
        purge_.tags.push_back(tag_of(TagKind::Prefix, text_of(*site, path)));
        site->catalogue->forget(path);
    }
    return {};
}

Result<void> Collecting::glob(std::string_view word) {
    if (word.size() > kLongestGlob) return wrong("a glob is longer than {} bytes", kLongestGlob);
    if (word.starts_with("**")) {  // any site and path
        purge_.globs.emplace_back(word);
        return look_again();
    }
    const Meant meant = TRY(meant_by(word, snapshot_));
    if (!meant.target.starts_with('/')) return wrong("\"{}\": the glob of a path begins with '/'", word);
    // A site's name has no '/', so one '*' is any of them.
    purge_.globs.push_back((meant.every_site ? "*" : name_of(*meant.sites.front())) + std::string(meant.target));
    return look_again();
}

// Which files these are nobody knows.
Result<void> Collecting::look_again() {
    for (const Site& site : snapshot_.sites) site.catalogue->forget("/");
    return {};
}

Result<void> Collecting::everything() {
    purge_.everything = true;
    return look_again();
}

cache_store::Purge Collecting::take(cache_store::Purge::Effect effect) {
    std::ranges::sort(purge_.tags);
    const auto twice = std::ranges::unique(purge_.tags);
    purge_.tags.erase(twice.begin(), twice.end());
    purge_.effect = effect;
    return std::move(purge_);
}

}  // namespace

Result<cache_store::Purge> purge_of(const admin::PurgeRequest& request, const Snapshot& snapshot) {
    Collecting collecting(snapshot);
    for (const std::string& word : request.urls) TRY(collecting.url(word));
    for (const std::string& word : request.prefixes) TRY(collecting.prefix(word));
    for (const std::string& word : request.globs) TRY(collecting.glob(word));
    for (const std::string& word : request.tags) collecting.label(word);
    if (request.all) TRY(collecting.everything());
    return collecting.take(request.soft ? cache_store::Purge::Effect::Soft : cache_store::Purge::Effect::Hard);
}

}  // namespace selvage::server
