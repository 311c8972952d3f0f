#include "server/explain_dictionary.h"

#include <fmt/format.h>

#include <string_view>

#include "server/handlers/static_dictionaries.h"
#include "server/http/media_types.h"

namespace selvage::server {

std::vector<std::string> explain_dictionary(const Subject& subject) {
    if (!subject.source || !subject.answer || subject.answer->status != 200 || (subject.image && subject.image->variant))
        return {};
    const handlers::Located located{.snapshot = {}, .site = subject.site, .rule = subject.rule, .source = subject.source};
    std::string_view obstacle =
        handlers::FileDictionaries::obstacle(subject.config.dictionaries, located, subject.cache_facts().verified);
    if (obstacle.empty() && !handlers::FileDictionaries::suits(located, *subject.answer->head)) {
        obstacle = "it is not for everybody, or not fresh for a day";
    }
    if (!obstacle.empty()) return {fmt::format("none: {}", obstacle)};
    if (!subject.request.secure) return {"none: only over TLS"};

    std::vector<std::string> lines;
    const bool page = http::media_type_of(subject.source->path).media_class == http::MediaClass::Html;
    const bool shares = page && subject.site->settings->dictionary;
    const auto shared = shares ? located.site->catalogue->history()->pages_dictionary() : std::nullopt;
    if (shared) {
        lines.push_back(
            fmt::format("names the one made of the site's pages: {}, {} KiB", shared->path, (shared->size + 512) >> 10));
    } else if (shares) {
        lines.emplace_back("names none made of the site's pages: a server has made none, or they have too little in common");
    } else if (const std::string_view offer = subject.answered("use-as-dictionary"); !offer.empty()) {
        lines.push_back(fmt::format("offered as one: {}", offer));
    } else {
        lines.emplace_back("not offered as one: another of its folder is, or it has not been indexed by a server");
    }
    lines.emplace_back(subject.answered("content-encoding") == "dcz" ? "sent as the difference to the one that the client has"
                       : page ? "sent as a difference (dcz) to who names that, or another page"
                              : "sent as a difference (dcz) to who names an earlier release");
    return lines;
}

}  // namespace selvage::server
