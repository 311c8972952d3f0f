#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/url.h"
#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/handlers/later_or_else.h"
#include "server/handlers/static_dictionaries.h"
#include "server/handlers/static_heads.h"
#include "server/handlers/static_hints.h"
#include "server/http/content_coding.h"
#include "server/http/cors.h"
#include "server/http/dictionary.h"
#include "server/http/error_response.h"
#include "server/http/media_types.h"
#include "server/representations/pool_fill.h"
#include "server/representations/request_tags.h"
#include "server/representations/select.h"
#include "transforms/encodings/dcz.h"

namespace selvage::handlers {

namespace {

using representations::CodingChoice;
using representations::Stage;
using transforms::Coding;
using transforms::Effort;

// `v=` names the content itself, so the URL never means anything else (image-urls §1.6).
bool version_matches(std::string_view query, const catalogue::Source& source) {
    if (query.empty()) return false;
    for (const QueryParam& param : split_query(query)) {
        if (param.key == "v") return names_content(param.value, source.content) == VersionMatch::Matches;
    }
    return false;
}

// A file as it is or in a content coding.
class File final : public Resource {
public:
    File(Services& services, const Located& located, std::string_view query, hints::HintSetPtr hints = nullptr)
        : services_(services),
          located_(located),
          codings_(services.codings.of(*located.source)),
          verified_(version_matches(query, *located.source)),
          heads_(services.heads, located_, verified_, std::move(hints)),
          tags_(services.store, located.site->settings->hosts.front(), located.source->path, query, labels(located.rule)) {
        tags_.add(cache_store::source_tag(located.source->content));
        if (FileDictionaries::possible(services_, located_, verified_)) {
            dictionaries_ = FileDictionaries::of(located_, *heads_.of(Coding::Identity, Stage::Best).full);
        }
    }

    http::Reply respond(const http::Request& request) override {
        if (request.method == http::Method::Options) {
            return http::options_answer(request, http::media_type_of(file().path).media_class);
        }
        const CodingChoice choice = choose(request);
        if (codings_) {
            services_.codings.improve(codings_, located_.site->catalogue, located_.source, tags_.floor(), &asked_.accepted);
        }
        if (dictionaries_ && request.has("available-dictionary")) {
            if (auto coded = by_dictionary(request, choice)) return *std::move(coded);
        }
        return reply(request, choice);
    }

    const catalogue::Source* source() const override { return located_.source.get(); }

private:
    using Terms = FileDictionaries::Terms;

    // All that the choice of a coding depends on besides the file.
    struct Asked {
        http::AcceptedCodings accepted;
        representations::CodedSizes sizes{};
        bool wants_range = false;
        friend bool operator==(const Asked&, const Asked&) = default;
    };

    const catalogue::Source& file() const { return *located_.source; }

    template <typename Rule>
    static std::span<const std::string> labels(const Rule* rule) {
        if constexpr (requires { rule->tags; }) {
            if (rule) return rule->tags;
        }
        return {};
    }

    http::AcceptedCodings accepted_codings(const http::Request& request) {
        return services_.accepted_codings.of(request.field("accept-encoding"), http::parse_accept_encoding);
    }

    // Most requests ask as the one before did.
    CodingChoice choose(const http::Request& request) {
        const Asked asked{.accepted = accepted_codings(request),
                          .sizes = codings_ ? codings_->sizes() : representations::CodedSizes{},
                          .wants_range = request.method == http::Method::Get && request.has("range")};
        if (!choice_ || asked != asked_) {
            asked_ = asked;
            choice_ = representations::select_coding(asked.accepted, file(), asked.sizes, asked.wants_range);
        }
        return *choice_;
    }

    http::Reply reply(const http::Request& request, CodingChoice choice) {
        switch (choice.kind) {
            case CodingChoice::Kind::NotAcceptable:
                return http::status_answer(406);
            case CodingChoice::Kind::Identity:
                return identity(request);
            case CodingChoice::Kind::Sidecar:
                return sidecar(request, choice.coding);
            case CodingChoice::Kind::Stored:
            case CodingChoice::Kind::Make:
                break;
        }
        // A client that has it needs no body: nothing is made for it.
        if (has_it(request, choice.coding)) {
            return not_modified(heads_of(terms_of(request), choice.coding, Stage::Best), verdict(http::Verdict::Hit));
        }
        const cache_store::Floor& floor = tags_.floor();
        if (auto coded = services_.codings.find(*codings_, choice.coding, floor)) {
            return found(request, choice.coding, *coded, http::Verdict::Hit);
        }
        if (auto coded = services_.codings.fetch_now(*codings_, choice.coding, floor)) {
            return found(request, choice.coding, *coded, http::Verdict::DiskHit);
        }
        return make(request, choice.coding);
    }

    // Nothing: without one, as ever.
    std::optional<http::Reply> by_dictionary(const http::Request& request, const CodingChoice& choice) {
        if (asked_.wants_range || !dictionaries_->allows(request) || has_it(request, choice.coding)) return std::nullopt;
        const auto terms = representations::delta_terms(asked_.accepted, file(), asked_.sizes);
        const auto hash = http::parse_available_dictionary(request.field("available-dictionary"));
        if (!terms.allowed || !hash) return std::nullopt;
        const auto size = dictionaries_->size_of(*hash);
        if (!size) return without(http::Counter::DictionariesUnknown);
        if (!representations::Deltas::may_gain(file().size, *size)) return without(http::Counter::DeltasOfNoUse);

        const representations::DeltaPtr delta = services_.deltas.of(file().content, *hash);
        const auto as_of = services_.codings.as_of(tags_.floor());
        auto found = services_.deltas.find(*delta, as_of.floor);
        const http::Verdict where = found ? http::Verdict::Hit : http::Verdict::DiskHit;
        if (!found) found = services_.deltas.fetch_now(*delta, as_of.floor);
        if (!found) return make_delta(request, choice, {terms, *hash, delta, as_of});
        if (found->interim || found->stale) improve_delta({terms, *hash, delta, as_of});
        if (!terms.pays(found->object->body->size())) return without(http::Counter::DeltasOfNoUse);
        services_.counters.add(http::Counter::DeltasFromStore);
        return delta_answer(request, *hash, terms, *found, where);
    }

    std::nullopt_t without(http::Counter why) {
        services_.counters.add(why);
        return std::nullopt;
    }

    // A difference that is to be made.
    struct Wished {
        representations::DeltaTerms terms;
        Sha256 dictionary;
        representations::DeltaPtr delta;
        representations::AsOf as_of;
    };

    // It is kept when it pays for a client that takes every coding: most do. A dictionary made for the site's pages is likely to
    // pay: what it makes of one is kept also before it is known what the page takes without it.
    void improve_delta(const Wished& wished) {
        http::AcceptedCodings all;
        all.weights.fill(1000);
        all.dcz = 1000;
        auto terms = representations::delta_terms(all, file(), asked_.sizes);
        if (terms.estimated && dictionaries_->is_announced(wished.dictionary)) {
            terms.smallest_plain = std::max(terms.smallest_plain, file().size / 3);
        }
        services_.deltas.improve(dictionaries_->pair(located_, wished.dictionary), wished.delta, wished.as_of, terms);
    }

    // The fast one does not pay. The best one may: of 97 pages of a documentation, 40 are in between.
    std::nullopt_t fast_is_of_no_use(const Wished& wished) {
        if (dictionaries_->is_announced(wished.dictionary)) improve_delta(wished);
        return without(http::Counter::DeltasOfNoUse);
    }

    std::optional<http::Reply> make_delta(const http::Request& request, const CodingChoice& choice, Wished wished) {
        if (wished.delta->useless(wished.terms)) return without(http::Counter::DeltasOfNoUse);
        if (wished.delta->fails(wished.terms)) return fast_is_of_no_use(wished);
        if (services_.pool.full(loop::WorkPool::Lane::Now)) {
            services_.counters.limit_hit(http::LimitHit::WorkQueue);
            return without(http::Counter::DeltasNotReady);
        }
        auto turn = services_.deltas.turn(wished.delta, file().size);
        if (!turn) {
            improve_delta(wished);
            return without(http::Counter::DeltasNotReady);
        }
        return std::make_unique<LaterOrElse>([this, self = shared_from_this(), &request, choice, wished = std::move(wished),
                                              turn = std::move(turn)](LaterOrElse::Done done) mutable {
            const Key128 key = representations::Deltas::flight_key_of(*wished.delta, wished.as_of.floor);
            auto make = fill_of([&deltas = services_.deltas, pair = dictionaries_->pair(located_, wished.dictionary), wished,
                                 turn = std::move(turn)](const auto&, auto&&) {
                return deltas.fill(pair, wished.delta, wished.as_of, wished.terms);
            });
            return services_.fills.request(
                services_.loop, key, std::move(make),
                [this, self, &request, choice, wished = std::move(wished), done = std::move(done)](
                    const representations::Filled& filled) mutable { done(delta_made(request, choice, wished, filled)); });
        });
    }

    http::Reply delta_made(const http::Request& request, const CodingChoice& choice, const Wished& wished,
                           const representations::Filled& filled) {
        if (!filled.object || !wished.terms.pays((*filled.object)->body->size())) {
            fast_is_of_no_use(wished);
            return reply(request, choice);
        }
        const auto facts = representations::from_meta((*filled.object)->meta);
        const representations::Coded coded{.object = *filled.object, .interim = facts && facts->interim, .stale = false};
        // Of one page to another that there are so many pairs: the best one is made for those that are asked for again.
        if (coded.interim && (!dictionaries_->of_page() || dictionaries_->is_announced(wished.dictionary))) improve_delta(wished);
        services_.counters.add(filled.verdict == http::Verdict::DiskHit ? http::Counter::DeltasFromStore
                                                                        : http::Counter::DeltasMadeNow);
        http::Reply answer = delta_answer(request, wished.dictionary, wished.terms, coded, filled.verdict);
        std::get<http::Answer>(answer).fill_time = filled.fill_time;
        return answer;
    }

    http::Reply delta_answer(const http::Request& request, const Sha256& dictionary, const representations::DeltaTerms& terms,
                             const representations::Coded& delta, http::Verdict where) {
        if (where == http::Verdict::Hit && delta.interim) where = http::Verdict::Interim;
        if (delta.stale) where = http::Verdict::Stale;
        const std::uint64_t size = delta.object->body->size();
        if (terms.smallest_plain <= file().size)
            services_.counters.add(http::Counter::DeltaBytesSaved, terms.smallest_plain - size);
        const std::string suffix =
            fmt::format("{}{}{}", transforms::kDczSuffix, hex(as_text(dictionary).substr(0, 4)), delta.interim ? ".fast" : "");
        const Terms said = terms_of(request);
        const HeadCache::Heads heads = heads_.of({transforms::kDczToken, suffix}, *dictionaries_, said);
        http::Reply reply = answer_selected(request,
                                            {.validators = validators(suffix),
                                             .heads = heads,
                                             .body = http::Body(cache_store::body_of(delta.object)),
                                             .verdict = verdict(where),
                                             .ranges = false},
                                            services_.now);
        count_offer(said, reply);
        return reply;
    }

    http::Reply found(const http::Request& request, Coding coding, const representations::Coded& coded, http::Verdict where) {
        if (coded.interim) where = http::Verdict::Interim;
        if (coded.stale) where = http::Verdict::Stale;
        return answer(request, coding, coded.stage, http::Body(cache_store::body_of(coded.object)), where);
    }

    http::Reply identity(const http::Request& request) {
        return answer(request, Coding::Identity, Stage::Best, identity_body(file()), http::Verdict::Hit);
    }

    http::Reply sidecar(const http::Request& request, Coding coding) {
        for (const catalogue::Sidecar& sidecar : file().sidecars) {
            if (sidecar.coding != coding) continue;
            return answer(request, coding, Stage::Best,
                          sidecar.bytes
                              ? http::Body(sidecar.bytes)
                              : http::Body(http::Segment{.bytes = {}, .file = sidecar.file, .offset = 0, .length = sidecar.size}),
                          http::Verdict::Hit);
        }
        return identity(request);
    }

    http::Reply make(const http::Request& request, Coding coding) {
        if (services_.pool.full(loop::WorkPool::Lane::Now)) {
            services_.counters.limit_hit(http::LimitHit::WorkQueue);
            return identity(request);  // larger, but now
        }
        return std::make_unique<Later>([this, self = shared_from_this(), &request, coding](Later::Done done) {
            const Key128 key = representations::Codings::key(file(), coding, Effort::First);
            return services_.fills.request(
                services_.loop, representations::flight_key(key, tags_.floor()), fill_of(coding_work(coding)),
                [this, self, &request, coding, done = std::move(done)](const representations::Filled& filled) mutable {
                    done(made(request, coding, filled));
                });
        });
    }

    representations::PoolFill::StreamingWork coding_work(Coding coding) {
        return [&codings = services_.codings, catalogue = located_.site->catalogue, source = located_.source, coding,
                as_of = services_.codings.as_of(tags_.floor())](const representations::Wanted& wanted,
                                                                representations::PoolFill::Announce announce) {
            return codings.fill(*catalogue, *source, coding, as_of, wanted, std::move(announce));
        };
    }

    representations::Fills::Make fill_of(representations::PoolFill::StreamingWork work) {
        return [&control = services_.control, &pool = services_.pool, work = std::move(work)](
                   representations::Wanted wanted,
                   representations::Settle settle) mutable -> std::unique_ptr<representations::FillWork> {
            return std::make_unique<representations::PoolFill>(control, pool, std::move(work), std::move(wanted),
                                                               std::move(settle));
        };
    }

    static http::Body body_of(const representations::Filled& filled) {
        if (filled.growing) return http::Body(filled.growing);
        if (!filled.file) return http::Body(cache_store::body_of(*filled.object));
        return http::Body(http::Segment{.bytes = {}, .file = filled.file, .offset = 0, .length = filled.file->size()});
    }

    http::Answer made(const http::Request& request, Coding coding, const representations::Filled& filled) {
        if (!filled.object) {  // the coding failed or saves nothing; the file is there, if the client takes it as it is
            const bool acceptable = accepted_codings(request).accepts(Coding::Identity);
            return acceptable ? std::get<http::Answer>(identity(request)) : http::status_answer(406);
        }
        const auto facts = representations::from_meta((*filled.object)->meta);
        const bool interim = facts && facts->interim;
        http::Reply reply = answer(request, coding, interim ? Stage::Fast : Stage::Best, body_of(filled), filled.verdict);
        auto& result = std::get<http::Answer>(reply);
        result.fill_time = filled.fill_time;
        return std::move(result);
    }

    bool has_it(const http::Request& request, Coding coding) const {
        if (!request.has("if-none-match") && !request.has("if-modified-since")) return false;
        const auto precondition =
            http::evaluate_preconditions(request, validators(FileHeads::suffix_of(coding, Stage::Best)), services_.now);
        return precondition == http::Precondition::NotModified;
    }

    http::Reply answer(const http::Request& request, Coding coding, Stage stage, http::Body&& body, http::Verdict kind) {
        const Terms terms = terms_of(request);
        http::Reply reply = answer_selected(request,
                                            {.validators = validators(FileHeads::suffix_of(coding, stage)),
                                             .heads = heads_of(terms, coding, stage),
                                             .body = std::move(body),
                                             .verdict = verdict(kind),
                                             .ranges = coding == Coding::Identity},
                                            services_.now);
        count_offer(terms, reply);
        return reply;
    }

    void count_offer(Terms terms, const http::Reply& reply) {
        if (terms != Terms::Offers) return;
        const auto* answer = std::get_if<http::Answer>(&reply);
        if (answer && answer->status == 200) services_.counters.add(http::Counter::DictionariesOffered);
    }

    http::Verdict verdict(http::Verdict kind) const { return located_.bypass() ? http::Verdict::Bypass : kind; }

    http::Validators validators(std::string_view suffix) const {
        return {.content = file().etag, .suffix = suffix, .last_modified = file().modified};
    }

    const HeadCache::Heads& heads_of(Terms terms, Coding coding, Stage stage) {
        return terms == Terms::None ? heads_.of(coding, stage) : heads_.of(coding, stage, *dictionaries_, terms);
    }

    Terms terms_of(const http::Request& request) {
        if (!dictionaries_) return Terms::None;
        const Terms terms = dictionaries_->terms(request);
        if (terms != Terms::Offers) return terms;
        if (has_announced(request)) return Terms::Varies;
        return request.has("range") ? Terms::Varies : terms;
    }

    bool has_announced(const http::Request& request) const {
        if (dictionaries_->announced().empty()) return false;
        const auto hash = http::parse_available_dictionary(request.field("available-dictionary"));
        return hash && dictionaries_->is_announced(*hash);
    }

    Services& services_;
    const Located located_;
    const representations::ContentCodingsPtr codings_;  // null: not coded
    const bool verified_;
    FileHeads heads_;
    representations::RequestTags tags_;
    std::unique_ptr<FileDictionaries> dictionaries_;  // null: has nothing to do with them
    Asked asked_;
    std::optional<CodingChoice> choice_;  // for asked_
};

class StaticHandler final : public Handler {
public:
    explicit StaticHandler(Services& services) : services_(services) {}

    ResourcePtr open(const Located& located, std::string_view query) override {
        if (located.site->settings->hints) {
            auto page =
                open_hinted_page(services_, located, [this, located, query = std::string(query)](hints::HintSetPtr hints) {
                    return std::make_shared<File>(services_, located, query, std::move(hints));
                });
            if (page) return page;
        }
        return std::make_shared<File>(services_, located, query);
    }

private:
    Services& services_;
};

}  // namespace

std::unique_ptr<Handler> make_static_handler(Services& services) { return std::make_unique<StaticHandler>(services); }

}  // namespace selvage::handlers
