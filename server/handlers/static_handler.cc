#include <fmt/format.h>

#include <random>

#include "base/url.h"
#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/http/cache_policy.h"
#include "server/http/content_coding.h"
#include "server/http/cors.h"
#include "server/http/error_response.h"
#include "server/http/media_types.h"
#include "server/representations/pool_fill.h"
#include "server/representations/select.h"

namespace selvage::handlers {

namespace {

using representations::CodingChoice;
using transforms::Coding;
using transforms::Effort;

// A file as it is or in a content coding.
class StaticHandler final : public Handler {
public:
    explicit StaticHandler(Services& services) : services_(services) {}

    std::optional<http::Reply> handle(const Resource& resource) override {
        const catalogue::Source& source = *resource.source;
        if (resource.request.method == http::Method::Options) {
            return http::options_answer(resource.request, http::media_type_of(source.path).media_class);
        }
        services_.codings.improve(resource.site->catalogue, resource.source);
        const bool wants_range = resource.request.method == http::Method::Get && resource.request.has("range");
        return reply(resource, representations::select_coding(http::accepted_codings(resource.request), source,
                                                              services_.codings.sizes(source), wants_range));
    }

private:
    http::Reply reply(const Resource& resource, CodingChoice choice) {
        switch (choice.kind) {
            case CodingChoice::Kind::NotAcceptable:
                return http::status_answer(406);
            case CodingChoice::Kind::Identity:
                return identity(resource);
            case CodingChoice::Kind::Sidecar:
                return sidecar(resource, choice.coding);
            case CodingChoice::Kind::Stored:
            case CodingChoice::Kind::Make:
                break;
        }
        // A client that has it needs no body: nothing is made for it.
        if (auto early = early_answer(resource, choice.coding)) return *std::move(early);
        if (auto coded = services_.codings.find(*resource.source, choice.coding)) {
            return answer(resource, choice.coding, coded->interim, http::Body(coded->object->body), verdict_of(*coded));
        }
        return make(resource, choice.coding);
    }

    static http::Verdict verdict_of(const representations::Coded& coded) {
        return coded.interim ? http::Verdict::Stale : http::Verdict::Hit;
    }

    http::Answer identity(const Resource& resource) {
        return answer(resource, Coding::Identity, false, identity_body(*resource.source), http::Verdict::Hit);
    }

    http::Answer sidecar(const Resource& resource, Coding coding) {
        for (const catalogue::Sidecar& sidecar : resource.source->sidecars) {
            if (sidecar.coding != coding) continue;
            http::Body body =
                sidecar.bytes ? http::Body(sidecar.bytes)
                              : http::Body(http::Segment{.bytes = {}, .file = sidecar.file, .offset = 0, .length = sidecar.size});
            return answer(resource, coding, false, std::move(body), http::Verdict::Hit);
        }
        return identity(resource);
    }

    http::Reply make(const Resource& resource, Coding coding) {
        if (services_.pool.full(loop::WorkPool::Lane::Now)) {
            services_.counters.limit_hit(http::LimitHit::WorkQueue);
            return identity(resource);  // larger, but now
        }
        return std::make_unique<Later>([this, resource, coding](Later::Done done) mutable {
            auto work = [&codings = services_.codings, catalogue = resource.site->catalogue, source = resource.source, coding] {
                return codings.fill(*catalogue, *source, coding);
            };
            const Key128 key = representations::Codings::key(*resource.source, coding, Effort::First);
            return services_.fills.request(
                services_.loop, key,
                [&control = services_.control, &pool = services_.pool, work = std::move(work)](
                    const representations::Wanted&,
                    representations::Settle settle) mutable -> std::unique_ptr<representations::FillWork> {
                    return std::make_unique<representations::PoolFill>(control, pool, std::move(work), std::move(settle));
                },
                [this, resource, coding, done = std::move(done)](representations::Filled filled) mutable {
                    done(made(resource, coding, std::move(filled)));
                });
        });
    }

    http::Answer made(const Resource& resource, Coding coding, representations::Filled filled) {
        if (!filled.object) {  // the coding failed or saves nothing; the file is there, if the client takes it as it is
            const bool acceptable = http::accepted_codings(resource.request).accepts(Coding::Identity);
            return acceptable ? identity(resource) : http::status_answer(406);
        }
        const auto facts = representations::from_meta((*filled.object)->meta);
        const bool interim = facts && facts->interim;
        http::Answer result = answer(resource, coding, interim, http::Body((*filled.object)->body), filled.verdict);
        result.fill_time = filled.fill_time;
        return result;
    }

    std::optional<http::Answer> early_answer(const Resource& resource, Coding coding) {
        if (!resource.request.has("if-none-match") && !resource.request.has("if-modified-since")) return std::nullopt;
        http::Answer without_body = answer(resource, coding, false, http::Body(), http::Verdict::Hit);
        if (without_body.status != 304) return std::nullopt;
        return without_body;
    }

    http::Answer answer(const Resource& resource, Coding coding, bool interim, http::Body body, http::Verdict verdict) {
        const catalogue::Source& source = *resource.source;
        const std::string suffix = suffix_of(coding, interim);
        Selected selected{.validators = {.content = source.etag, .suffix = suffix, .last_modified = source.modified},
                          .heads = heads(resource, coding, suffix),
                          .body = std::move(body),
                          .verdict = resource.bypass() ? http::Verdict::Bypass : verdict,
                          .ranges = coding == Coding::Identity};
        return answer_selected(resource.request, std::move(selected), services_.now);
    }

    // The fast coding has other bytes than the best: a strong tag must tell them apart (RFC 9110 §8.8.3).
    static std::string suffix_of(Coding coding, bool interim) {
        if (coding == Coding::Identity) return {};
        std::string suffix(transforms::row_of(coding).suffix);
        if (interim) suffix += ".fast";
        return suffix;
    }

    const HeadCache::Heads& heads(const Resource& resource, Coding coding, std::string_view suffix) {
        const catalogue::Source& source = *resource.source;
        const bool verified = version_matches(resource.query, source);
        const std::uint64_t rule = resource.rule_number();
        const Key128 key = key_of(
            {bytes_of(source.serial), bytes_of(resource.snapshot->generation), bytes_of(rule), suffix, verified ? "v" : ""});
        return services_.heads.find_or_build(key, [&] { return build_heads(resource, coding, suffix, verified); });
    }

    static HeadCache::Heads build_heads(const Resource& resource, Coding coding, std::string_view suffix, bool verified) {
        const catalogue::Source& source = *resource.source;
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
                                                                  .verified = verified,
                                                                  .status = 200},
                                                                 resource.rule));
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
        return finish_heads(std::move(fields), resource.rule);
    }

    // `v=` names the content itself, so the URL never means anything else (image-urls §1.6).
    static bool version_matches(std::string_view query, const catalogue::Source& source) {
        if (query.empty()) return false;
        for (const QueryParam& param : split_query(query)) {
            if (param.key == "v") return names_content(param.value, source.content) == VersionMatch::Matches;
        }
        return false;
    }

    Services& services_;
};

}  // namespace

std::unique_ptr<Handler> make_static_handler(Services& services) { return std::make_unique<StaticHandler>(services); }

}  // namespace selvage::handlers
