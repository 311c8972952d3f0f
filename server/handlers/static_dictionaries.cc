#include "server/handlers/static_dictionaries.h"

#include <algorithm>
#include <utility>

#include "base/fields.h"
#include "server/http/dictionary.h"
#include "server/http/media_types.h"

namespace selvage::handlers {

namespace {

constexpr std::string_view kTooLarge = "it is larger than dictionaries.largest";
constexpr std::uint64_t kSmallest = 1024;  // bytes: below it the fields cost what is saved
// Bytes. Pages have less to gain than scripts, and the fast level would lose a third of it: worth a millisecond.
constexpr std::uint64_t kSmallPage = 128 << 10;

// Does the rule have a say in how long the file is fresh?
bool may_last(const Located& located, bool verified) {
    if (located.source->fingerprinted || verified) return true;
    return located.rule && (located.rule->browser_ttl || !located.rule->headers.empty());
}

bool is_page(const Located& located) { return http::media_type_of(located.source->path).media_class == http::MediaClass::Html; }

// Is it a page of a site that wants them coded with dictionaries?
bool is_wanted_page(const Located& located) {
    const config::Site& site = *located.site->settings;
    return (site.dictionary || site.page_deltas.count() > 0) && is_page(located);
}

// A rule that says itself what its responses vary by takes the word from us: they would be kept for clients without the
// dictionary.
bool rule_sets_vary(const config::Rule* rule) {
    return rule &&
           std::ranges::any_of(rule->headers, [](const auto& field) { return equals_ignoring_case(field.first, "vary"); });
}

}  // namespace

std::string_view FileDictionaries::obstacle(const config::Dictionaries& options, const Located& located, bool verified) {
    const catalogue::Source& source = *located.source;
    if (!options.enabled) return "dictionaries.enabled is off";
    if (!source.compressible) return "it is of a kind that is not compressed";
    if (source.size < kSmallest) return "it is smaller than 1 KiB";
    if (located.bypass()) return "its rule says bypass";
    if (!may_last(located, verified) && !is_wanted_page(located)) {
        return is_page(located) ? "it is a page, and neither site.dictionary nor site.page_deltas is set"
                                : "it is not fresh for a day";
    }
    if (rule_sets_vary(located.rule)) return "its rule sets Vary";
    if (!located.site->catalogue->history()) return "nothing is remembered of releases";
    return source.size <= options.largest ? "" : kTooLarge;
}

bool FileDictionaries::possible(const Services& services, const Located& located, bool verified) {
    const std::string_view found = obstacle(located.snapshot->config->dictionaries, located, verified);
    if (found == kTooLarge) services.counters.limit_hit(http::LimitHit::DictionaryLargest);
    return found.empty();
}

bool FileDictionaries::suits(const Located& located, const http::Head& head) {
    return is_wanted_page(located) ? http::is_public(head.fields()) : http::is_lasting_and_public(head.fields());
}

std::unique_ptr<FileDictionaries> FileDictionaries::of(const Located& located, const http::Head& head) {
    if (!suits(located, head)) return nullptr;
    return std::unique_ptr<FileDictionaries>(new FileDictionaries(located.site->catalogue->history(), located, head));
}

FileDictionaries::FileDictionaries(std::shared_ptr<releases::History> history, const Located& located, const http::Head& head)
    : history_(std::move(history)),
      source_(located.source),
      allow_origin_(head.field("access-control-allow-origin")),
      page_(is_wanted_page(located)),
      announces_(page_ && located.site->settings->dictionary),
      may_offer_(!page_ || located.site->settings->page_deltas.count() > 0 || http::is_lasting_and_public(head.fields())) {}

bool FileDictionaries::allows_by_mode(const http::Request& request) const {
    return http::allows_dictionary(request, allow_origin_);
}

void FileDictionaries::look() {
    seen_ = history_->changes();  // before it is asked: what changes meanwhile is asked for again
    const auto made = announces_ ? history_->pages_dictionary() : std::nullopt;
    // Clients would prefer the page, whose pattern is the longer one; what all pages have in common serves better: 0.47, 0.66 and
    // 0.86 of br-11 against 0.69, 0.77 and 0.86 on three documentation sites.
    const bool may_offer = may_offer_ && !made;
    const auto found = may_offer ? history_->offer_of(source_->path, source_->content) : std::nullopt;
    std::string offer = found ? http::use_as_dictionary(found->match, found->destination, found->id) : std::string();
    std::string announced = made ? made->path : std::string();
    if (offer == offer_ && announced == announced_) return;
    offer_ = std::move(offer);
    announced_ = std::move(announced);
    announced_content_ = made ? made->content : Sha256{};
    ++version_;
}

representations::DeltaPair FileDictionaries::pair(const Located& located, const Sha256& dictionary) const {
    return {.path = source_->path,
            .target = source_->content,
            .size = source_->size,
            .append_target = [catalogue = located.site->catalogue, source = source_,
                              history = history_](std::string& room) -> Result<void> {
                // The kept copy need not be hashed each time.
                if (source->bytes)
                    room.append(source->bytes->view());
                else if (!history->append(source->content, room))
                    room.append(TRY(catalogue->read(*source)));
                return {};
            },
            .history = history_,
            .dictionary = dictionary,
            .fast_level = page_ && source_->size <= kSmallPage ? transforms::kDczBest.front() : transforms::kDczFast};
}

}  // namespace selvage::handlers
