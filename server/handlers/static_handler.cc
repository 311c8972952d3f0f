#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/url.h"
#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/http/cache_policy.h"
#include "server/http/content_coding.h"
#include "server/http/cors.h"
#include "server/http/error_response.h"
#include "server/http/media_types.h"
#include "server/representations/pool_fill.h"
#include "server/representations/request_tags.h"
#include "server/representations/select.h"

namespace selvage::handlers {

namespace {

using representations::CodingChoice;
using transforms::Coding;
using transforms::Effort;

// Of entity tags: for each Coding the best one's and the interim one's. The fast coding has other bytes than the best: a strong
// tag must tell them apart (RFC 9110 §8.8.3).
constexpr auto kSuffixes = std::to_array<std::string_view>({"", "", "-gz", "-gz.fast", "-br", "-br.fast", "-zstd", "-zstd.fast"});

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
    File(Services& services, const Located& located, std::string_view query)
        : services_(services),
          located_(located),
          codings_(services.codings.of(*located.source)),
          verified_(version_matches(query, *located.source)),
          tags_(services.store, located.site->settings->hosts.front(), located.source->path, query, labels(located.rule)) {
        tags_.add(cache_store::source_tag(located.source->content));
    }

    http::Reply respond(const http::Request& request) override {
        if (request.method == http::Method::Options) {
            return http::options_answer(request, http::media_type_of(file().path).media_class);
        }
        if (codings_) services_.codings.improve(codings_, located_.site->catalogue, located_.source, tags_.floor());
        return reply(request, choose(request));
    }

    const catalogue::Source* source() const override { return located_.source.get(); }

private:
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
        if (has_it(request, choice.coding)) return not_modified(heads_of(choice.coding, false), verdict(http::Verdict::Hit));
        const cache_store::Floor& floor = tags_.floor();
        if (auto coded = services_.codings.find(*codings_, choice.coding, floor)) {
            return found(request, choice.coding, *coded, http::Verdict::Hit);
        }
        if (auto coded = services_.codings.fetch_now(*codings_, choice.coding, floor)) {
            return found(request, choice.coding, *coded, http::Verdict::DiskHit);
        }
        return make(request, choice.coding);
    }

    http::Reply found(const http::Request& request, Coding coding, const representations::Coded& coded, http::Verdict where) {
        if (coded.interim) where = http::Verdict::Interim;
        if (coded.stale) where = http::Verdict::Stale;
        return answer(request, coding, coded.interim, http::Body(coded.object->body), where);
    }

    http::Reply identity(const http::Request& request) {
        return answer(request, Coding::Identity, false, identity_body(file()), http::Verdict::Hit);
    }

    http::Reply sidecar(const http::Request& request, Coding coding) {
        for (const catalogue::Sidecar& sidecar : file().sidecars) {
            if (sidecar.coding != coding) continue;
            return answer(request, coding, false,
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
                services_.loop, representations::flight_key(key, tags_.floor()), fill_of(coding),
                [this, self, &request, coding, done = std::move(done)](const representations::Filled& filled) mutable {
                    done(made(request, coding, filled));
                });
        });
    }

    representations::Fills::Make fill_of(Coding coding) {
        auto work = [&codings = services_.codings, catalogue = located_.site->catalogue, source = located_.source, coding,
                     as_of = services_.codings.as_of(tags_.floor())](const representations::Wanted& wanted,
                                                                     representations::PoolFill::Announce announce) {
            return codings.fill(*catalogue, *source, coding, as_of, wanted, std::move(announce));
        };
        return [&control = services_.control, &pool = services_.pool, work = std::move(work)](
                   representations::Wanted wanted,
                   representations::Settle settle) mutable -> std::unique_ptr<representations::FillWork> {
            return std::make_unique<representations::PoolFill>(control, pool, std::move(work), std::move(wanted),
                                                               std::move(settle));
        };
    }

    static http::Body body_of(const representations::Filled& filled) {
        if (filled.growing) return http::Body(filled.growing);
        if (!filled.file) return http::Body((*filled.object)->body);
        return http::Body(http::Segment{.bytes = {}, .file = filled.file, .offset = 0, .length = filled.file->size()});
    }

    http::Answer made(const http::Request& request, Coding coding, const representations::Filled& filled) {
        if (!filled.object) {  // the coding failed or saves nothing; the file is there, if the client takes it as it is
            const bool acceptable = accepted_codings(request).accepts(Coding::Identity);
            return acceptable ? std::get<http::Answer>(identity(request)) : http::status_answer(406);
        }
        const auto facts = representations::from_meta((*filled.object)->meta);
        const bool interim = facts && facts->interim;
        http::Reply reply = answer(request, coding, interim, body_of(filled), filled.verdict);
        auto& result = std::get<http::Answer>(reply);
        result.fill_time = filled.fill_time;
        return std::move(result);
    }

    bool has_it(const http::Request& request, Coding coding) const {
        if (!request.has("if-none-match") && !request.has("if-modified-since")) return false;
        const auto precondition = http::evaluate_preconditions(request, validators(coding, false), services_.now);
        return precondition == http::Precondition::NotModified;
    }

    http::Reply answer(const http::Request& request, Coding coding, bool interim, http::Body&& body, http::Verdict kind) {
        return answer_selected(request,
                               {.validators = validators(coding, interim),
                                .heads = heads_of(coding, interim),
                                .body = std::move(body),
                                .verdict = verdict(kind),
                                .ranges = coding == Coding::Identity},
                               services_.now);
    }

    http::Verdict verdict(http::Verdict kind) const { return located_.bypass() ? http::Verdict::Bypass : kind; }

    static std::size_t place_of(Coding coding, bool interim) { return 2 * static_cast<std::size_t>(coding) + (interim ? 1 : 0); }

    http::Validators validators(Coding coding, bool interim) const {
        return {.content = file().etag, .suffix = kSuffixes[place_of(coding, interim)], .last_modified = file().modified};
    }

    const HeadCache::Heads& heads_of(Coding coding, bool interim) {
        const std::size_t place = place_of(coding, interim);
        if (!heads_[place].full) heads_[place] = find_heads(coding, kSuffixes[place]);
        return heads_[place];
    }

    HeadCache::Heads find_heads(Coding coding, std::string_view suffix) {
        const std::uint64_t rule = located_.rule_number();
        const Key128 key = key_of(
            {bytes_of(file().serial), bytes_of(located_.snapshot->generation), bytes_of(rule), suffix, verified_ ? "v" : ""});
        return services_.heads.find_or_build(key, [&] { return build_heads(coding, suffix); });
    }

    HeadCache::Heads build_heads(Coding coding, std::string_view suffix) const {
        const catalogue::Source& source = file();
        const http::MediaType& media = http::media_type_of(source.path);
        http::Head::Fields fields;
        fields.emplace_back("content-type", source.media_type);
        if (coding != Coding::Identity) {
            fields.emplace_back("content-encoding", transforms::row_of(coding).token);
        } else if (!media.coding.empty()) {
            fields.emplace_back("content-encoding", media.coding);
        }
        fields.emplace_back("cache-control", http::cache_control({.path = source.path,
                                                                  .media_class = media.media_class,
                                                                  .fingerprinted = source.fingerprinted,
                                                                  .verified = verified_,
                                                                  .status = 200},
                                                                 located_.rule));
        fields.emplace_back("etag", fmt::format("\"{}{}\"", source.etag, suffix));
        fields.emplace_back("last-modified", source.last_modified);
        fields.emplace_back("accept-ranges", "bytes");
        if (representations::varies_by_coding(source)) fields.emplace_back("vary", "Accept-Encoding");
        fields.emplace_back("x-content-type-options", "nosniff");
        // An SVG opened by itself is a document that could run scripts (protocol-and-limits §7).
        if (source.media_type.starts_with("image/svg")) {
            fields.emplace_back("content-security-policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'");
        }
        http::add_cross_origin_fields(fields, media.media_class);
        return finish_heads(std::move(fields), located_.rule);
    }

    Services& services_;
    const Located located_;
    const representations::ContentCodingsPtr codings_;  // null: not coded
    const bool verified_;
    representations::RequestTags tags_;
    Asked asked_;
    std::optional<CodingChoice> choice_;                    // for asked_
    std::array<HeadCache::Heads, kSuffixes.size()> heads_;  // built when first sent
};

class StaticHandler final : public Handler {
public:
    explicit StaticHandler(Services& services) : services_(services) {}

    ResourcePtr open(const Located& located, std::string_view query) override {
        return std::make_shared<File>(services_, located, query);
    }

private:
    Services& services_;
};

}  // namespace

std::unique_ptr<Handler> make_static_handler(Services& services) { return std::make_unique<StaticHandler>(services); }

}  // namespace selvage::handlers
