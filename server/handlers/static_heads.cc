#include "server/handlers/static_heads.h"

#include <fmt/format.h>

#include <utility>

#include "server/handlers/answering.h"
#include "server/handlers/static_hints.h"
#include "server/http/cache_policy.h"
#include "server/http/cors.h"
#include "server/http/dictionary.h"
#include "server/http/media_types.h"
#include "server/representations/select.h"

namespace selvage::handlers {

using Terms = FileDictionaries::Terms;
using representations::Stage;
using transforms::Coding;

FileHeads::Spelling FileHeads::spelling_of(Coding coding, Stage stage) {
    const std::string_view token = coding == Coding::Identity ? std::string_view() : transforms::row_of(coding).token;
    return {token, suffix_of(coding, stage)};
}

const HeadCache::Heads& FileHeads::make(Coding coding, Stage stage) {
    HeadCache::Heads& heads = heads_[place_of(coding, stage)];
    heads = find(spelling_of(coding, stage), nullptr, Terms::None);
    return heads;
}

const HeadCache::Heads& FileHeads::make(Coding coding, Stage stage, const FileDictionaries& dictionaries, Terms terms) {
    if (!secure_) secure_ = std::make_unique<SecureHeads>();
    if (secure_->version != dictionaries.version()) {
        secure_->offering = {};
        secure_->version = dictionaries.version();
    }
    HeadCache::Heads& heads = secure_->of(terms)[place_of(coding, stage)];
    heads = find(spelling_of(coding, stage), &dictionaries, terms);
    return heads;
}

HeadCache::Heads FileHeads::of(const Spelling& coded, const FileDictionaries& dictionaries, Terms terms) const {
    return find(coded, &dictionaries, terms);
}

HeadCache::Heads FileHeads::find(const Spelling& coded, const FileDictionaries* dictionaries, Terms terms) const {
    const std::uint64_t rule = located_.rule_number();
    const std::uint64_t hints = hints_ ? hints_->version : 0;
    const Key128 key = key_of({bytes_of(located_.source->serial), bytes_of(located_.snapshot->generation), bytes_of(rule),
                               bytes_of(hints), coded.suffix, verified_ ? "v" : "", terms == Terms::None ? "" : "d",
                               terms == Terms::Offers ? std::string_view(dictionaries->offer()) : "",
                               terms == Terms::Offers ? std::string_view(dictionaries->announced()) : ""});
    return cache_.find_or_build(key, [&] { return build(coded, dictionaries, terms); });
}

HeadCache::Heads FileHeads::build(const Spelling& coded, const FileDictionaries* dictionaries, Terms terms) const {
    const catalogue::Source& source = *located_.source;
    const http::MediaType& media = http::media_type_of(source.path);
    http::Head::Fields fields;
    fields.emplace_back("content-type", source.media_type);
    if (!coded.token.empty()) {
        fields.emplace_back("content-encoding", coded.token);
    } else if (!media.coding.empty()) {
        fields.emplace_back("content-encoding", media.coding);
    }
    fields.emplace_back("cache-control", http::cache_control({.path = source.path,
                                                              .media_class = media.media_class,
                                                              .fingerprinted = source.fingerprinted,
                                                              .verified = verified_,
                                                              .status = 200,
                                                              .page_life = located_.site->settings->page_deltas},
                                                             located_.rule));
    fields.emplace_back("etag", fmt::format("\"{}{}\"", source.etag, coded.suffix));
    fields.emplace_back("last-modified", source.last_modified);
    fields.emplace_back("accept-ranges", "bytes");
    if (representations::varies_by_coding(source)) {
        fields.emplace_back("vary", terms == Terms::None ? "Accept-Encoding" : http::kVaryByDictionary);
    }
    if (terms == Terms::Offers && !dictionaries->offer().empty()) {
        fields.emplace_back("use-as-dictionary", dictionaries->offer());
    }
    if (terms == Terms::Offers && !dictionaries->announced().empty()) {
        fields.emplace_back("link", fmt::format("<{}>; rel=\"compression-dictionary\"", dictionaries->announced()));
    }
    if (hints_) add_hints(fields, *hints_);
    fields.emplace_back("x-content-type-options", "nosniff");
    // An SVG opened by itself is a document that could run scripts (protocol-and-limits §7).
    if (source.media_type.starts_with("image/svg")) {
        fields.emplace_back("content-security-policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'");
    }
    http::add_cross_origin_fields(fields, media.media_class);
    return finish_heads(std::move(fields), located_.rule);
}

}  // namespace selvage::handlers
