#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/http/cache_policy.h"
#include "server/http/error_response.h"
#include "transforms/dialects/canonical.h"
#include "transforms/negotiation.h"

namespace selvage::handlers {

namespace {

using transforms::Format;

// What is known before the variant exists.
struct Variant {
    transforms::ImageRequest asked;
    Format format = Format::Jpeg;
    unsigned quality = 0;
    std::string recipe;
};

// An image changed as its URL says.
class ImageHandler final : public Handler {
public:
    explicit ImageHandler(Services& services) : services_(services) {}

    std::optional<http::Reply> handle(const Resource& resource) override {
        if (!resource.source->image || resource.query.empty()) return std::nullopt;
        if (resource.request.method != http::Method::Get && resource.request.method != http::Method::Head) return std::nullopt;
        auto asked = transforms::parse_canonical(resource.query, resource.site->dialect);
        if (!asked) return refused(asked.error(), true);
        if (!*asked) return std::nullopt;  // no transform key: the file itself
        // Browsers draw an SVG sharper than any picture of it: only an explicit `fm` asks for pixels (image-urls §3).
        if (resource.source->image->format == Format::Svg && !(*asked)->plan.format) return std::nullopt;
        return reply(resource, **std::move(asked));
    }

private:
    http::Reply reply(const Resource& resource, transforms::ImageRequest asked) {
        const catalogue::Source& source = *resource.source;
        const bool negotiated = asked.plan.auto_format;
        if (const auto error = limits_exceeded(resource)) return refused(*error, negotiated);
        if (!services_.images.ready()) {
            return refused({.kind = ErrorKind::Overloaded, .code = "overloaded", .detail = "no transform worker has started yet"},
                           negotiated);
        }
        Variant variant = choose(resource, std::move(asked));
        const Key128 key = services_.images.key(source.content, variant.recipe);
        if (auto object = services_.images.find(key)) {
            return answer(resource, variant, {std::move(object), http::Verdict::Hit, {}});
        }
        return std::make_unique<Later>([this, resource, key, variant = std::move(variant)](Later::Done done) mutable {
            representations::ImageTask task{.key = key,
                                            .catalogue = resource.site->catalogue,
                                            .source = resource.source,
                                            .plan = transforms::canonical(variant.asked.plan),
                                            .format = variant.format,
                                            .quality = variant.quality,
                                            .keep = !resource.bypass()};
            return services_.images.make(
                services_.loop, std::move(task),
                [this, resource, variant = std::move(variant), done = std::move(done)](representations::Filled filled) mutable {
                    done(answer(resource, variant, std::move(filled)));
                });
        });
    }

    // What the file's own header claims is enough to refuse it before any work; the worker checks the facts again.
    static std::optional<Error> limits_exceeded(const Resource& resource) {
        const config::Image& limits = resource.snapshot->config->image;
        const catalogue::Source& source = *resource.source;
        if (source.size > limits.source_bytes) {
            return Error{.kind = ErrorKind::TooLarge, .code = "source_too_large", .detail = "more bytes than image.source_bytes"};
        }
        const std::uint64_t pixels = std::uint64_t{source.image->width} * source.image->height;
        if (pixels > limits.source_pixels || std::max(source.image->width, source.image->height) > limits.source_side) {
            return Error{.kind = ErrorKind::Unprocessable,
                         .code = "source_pixels",
                         .detail = "more pixels than image.source_pixels or source_side"};
        }
        return std::nullopt;
    }

    Variant choose(const Resource& resource, transforms::ImageRequest asked) const {
        const transforms::Probe& probe = *resource.source->image;
        const config::Image& limits = resource.snapshot->config->image;
        Variant variant;
        variant.asked = std::move(asked);
        variant.format = transforms::choose_format(variant.asked.plan, transforms::parse_accept(resource.request.field("accept")),
                                                   {.format = probe.format, .animated = probe.animated, .alpha = probe.alpha},
                                                   resource.site->auto_formats);
        if (variant.format == Format::Avif && output_pixels(variant.asked.plan, probe) > limits.avif_pixels) {
            variant.format = Format::Webp;  // image-urls §3: a large AVIF takes seconds
        }
        variant.quality = transforms::effective_quality(variant.asked.plan, variant.format, resource.site->quality);
        variant.recipe = transforms::variant_recipe(variant.asked.plan, variant.format, variant.quality);
        return variant;
    }

    // An upper bound, before the exact size is known.
    static std::uint64_t output_pixels(const transforms::Plan& plan, const transforms::Probe& probe) {
        std::uint64_t width = probe.width;
        std::uint64_t height = probe.height;
        if (plan.rotate == 90 || plan.rotate == 270) std::swap(width, height);
        const auto scaled = [](std::uint64_t side, std::uint64_t to, std::uint64_t from) {
            return from == 0 ? side : side * to / from;
        };
        if (plan.width && plan.height) return std::uint64_t{plan.width} * plan.height;
        if (plan.width && (plan.enlarge || plan.width < width))
            return std::uint64_t{plan.width} * scaled(height, plan.width, width);
        if (plan.height && (plan.enlarge || plan.height < height))
            return std::uint64_t{plan.height} * scaled(width, plan.height, height);
        return width * height;
    }

    http::Answer answer(const Resource& resource, const Variant& variant, representations::Filled filled) {
        if (!filled.object) {
            services_.log.info("image", "{}: {}{}{}", resource.source->path, filled.object.error().code,
                               filled.object.error().detail.empty() ? "" : ": ", filled.object.error().detail);
            return refused(filled.object.error(), variant.asked.plan.auto_format);
        }
        const cache_store::Object& object = **filled.object;
        auto facts = representations::from_meta(object.meta);
        if (!facts) return refused({.kind = ErrorKind::Internal, .code = {}, .detail = "foreign metadata"}, false);
        http::Body body(object.body);
        if (source_is_better(resource, variant, object)) {
            facts->media_type = resource.source->media_type;
            facts->etag = resource.source->etag;
            body = identity_body(*resource.source);
        }
        Selected selected{
            .validators = {.content = facts->etag, .suffix = {}, .last_modified = resource.source->modified},
            .heads = heads(resource, variant, *facts),
            .body = std::move(body),
            .verdict = resource.bypass() ? http::Verdict::Bypass : filled.verdict,
            .ranges = true,
        };
        http::Answer result = answer_selected(resource.request, std::move(selected), services_.now);
        result.fill_time = filled.fill_time;
        if (!variant.asked.ignored_keys.empty()) result.extra.add("x-img-notes", notes(variant.asked.ignored_keys));
        return result;
    }

    // "ignored: utm_source, foo": for whoever wonders why a parameter does nothing. Raw bytes of a URL: only plain ones are
    // repeated.
    static std::string notes(const std::vector<std::string>& keys) {
        constexpr std::size_t kMost = 200;
        std::string text = "ignored: ";
        for (const std::string& key : keys) {
            if (&key != &keys.front()) text += ", ";
            for (const char c : key) text += is_alphanumeric(c) || c == '-' || c == '_' ? c : '?';
            if (text.size() > kMost) break;
        }
        return text.substr(0, kMost);
    }

    // The size guard of image-urls §1.2: nothing but another format was wanted, and it did not become smaller. Only the kinds
    // that every client shows may stand in.
    static bool source_is_better(const Resource& resource, const Variant& variant, const cache_store::Object& object) {
        const Format kind = resource.source->image->format;
        const bool universal = kind == Format::Jpeg || kind == Format::Png || kind == Format::Gif;
        return universal && variant.asked.plan.auto_format && !variant.asked.plan.has_visual_effect() &&
               object.body->size() >= resource.source->size;
    }

    const HeadCache::Heads& heads(const Resource& resource, const Variant& variant, const representations::Facts& facts) {
        const catalogue::Source& source = *resource.source;
        const VersionMatch version = names_content(variant.asked.version, source.content);
        const std::uint64_t version_number = static_cast<std::uint64_t>(version);
        const std::uint64_t rule = resource.rule_number();
        const Key128 key =
            key_of({"image", bytes_of(source.serial), bytes_of(resource.snapshot->generation), bytes_of(rule), variant.recipe,
                    bytes_of(version_number), variant.asked.plan.auto_format ? "auto" : "", facts.etag});
        return services_.heads.find_or_build(key, [&] { return build_heads(resource, variant, facts, version); });
    }

    static HeadCache::Heads build_heads(const Resource& resource, const Variant& variant, const representations::Facts& facts,
                                        VersionMatch version) {
        const catalogue::Source& source = *resource.source;
        std::string cache_control = http::cache_control({.path = source.path,
                                                         .media_class = http::MediaClass::Image,
                                                         .fingerprinted = source.fingerprinted,
                                                         .verified = version == VersionMatch::Matches,
                                                         .status = 200},
                                                        resource.rule);
        // The client asks for a version that this is not: it may be a deploy under way (image-urls §1.2, `v`).
        if (version == VersionMatch::Differs && !resource.bypass()) cache_control = "no-cache";
        http::Head::Fields fields;
        fields.emplace_back("content-type", facts.media_type);
        fields.emplace_back("cache-control", cache_control);
        fields.emplace_back("etag", fmt::format("\"{}\"", facts.etag));
        fields.emplace_back("last-modified", source.last_modified);
        fields.emplace_back("accept-ranges", "bytes");
        if (variant.asked.plan.auto_format) fields.emplace_back("vary", "Accept");
        fields.emplace_back("x-content-type-options", "nosniff");
        fields.emplace_back("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
        const bool guarded = facts.etag == source.etag;
        fields.emplace_back("content-disposition", disposition(source.path, guarded ? source.image->format : variant.format));
        fields.emplace_back("x-img", guarded ? std::string("guard") : description(variant, facts));
        return finish_heads(std::move(fields), resource.rule);
    }

    static std::string description(const Variant& variant, const representations::Facts& facts) {
        return fmt::format("src={}x{};out={}x{};fm={};q={}", facts.source_width, facts.source_height, facts.width, facts.height,
                           transforms::row_of(variant.format).name, variant.quality);
    }

    // `inline; filename="cat.webp"`: the name that "save as" proposes. Other than plain characters would need RFC 8187.
    static std::string disposition(std::string_view path, Format format) {
        std::string_view name = path.substr(path.rfind('/') + 1);
        name = name.substr(0, name.rfind('.'));
        const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
            return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == ' ';
        });
        return fmt::format("inline; filename=\"{}.{}\"", plain ? name : "image", transforms::row_of(format).extension);
    }

    static http::Answer refused(const Error& error, bool negotiated) {
        // The one kind that the shared table cannot tell: a query that is too long is the URI's fault, not a body's.
        http::Answer answer = error.code == "uri_too_long" ? http::status_answer(414) : http::error_answer(error);
        if (negotiated) answer.extra.add("vary", "Accept");
        return answer;
    }

    Services& services_;
};

}  // namespace

std::unique_ptr<Handler> make_image_handler(Services& services) { return std::make_unique<ImageHandler>(services); }

}  // namespace selvage::handlers
