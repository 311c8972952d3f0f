#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/ascii.h"
#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/http/cache_policy.h"
#include "server/http/cors.h"
#include "server/http/error_response.h"
#include "transforms/dialects/canonical.h"
#include "transforms/negotiation.h"

namespace selvage::handlers {

namespace {

using transforms::Format;

// What a client that accepts certain formats gets.
struct Variant {
    Format format = Format::Jpeg;
    unsigned quality = 0;
    std::string recipe;
    Key128 key;

    // What was last sent for it, and what was made of that object's metadata. The weak reference tells objects apart without
    // keeping the bytes of one that the cache has let go.
    std::weak_ptr<const cache_store::Object> object;
    bool guarded = false;  // the file itself is sent instead
    std::string etag;
    HeadCache::Heads heads;
};

bool same(const std::weak_ptr<const cache_store::Object>& kept, const cache_store::ObjectPtr& object) {
    return !kept.owner_before(object) && !object.owner_before(kept);
}

http::Answer refused(const Error& error, bool negotiated) {
    // The one kind that the shared table cannot tell: a query that is too long is the URI's fault, not a body's.
    http::Answer answer = error.code == "uri_too_long" ? http::status_answer(414) : http::error_answer(error);
    if (negotiated) answer.extra.add("vary", "Accept");
    return answer;
}

// What the file's own header claims is enough to refuse it before any work; the worker checks the facts again.
std::optional<Error> limits_exceeded(const Located& located) {
    const config::Image& limits = located.snapshot->config->image;
    const catalogue::Source& source = *located.source;
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

// An image that is asked for in a way that cannot be served.
class RefusedImage final : public Resource {
public:
    RefusedImage(const Located& located, const Error& error, bool negotiated)
        : source_(located.source), refusal_(refused(error, negotiated)) {}

    http::Reply respond(const http::Request& request) override {
        if (request.method == http::Method::Options) return http::options_answer(request, http::MediaClass::Image);
        return refusal_;
    }
    const catalogue::Source* source() const override { return source_.get(); }

private:
    const catalogue::SourcePtr source_;
    const http::Answer refusal_;
};

// An image changed as its URL says.
class Image final : public Resource {
public:
    Image(Services& services, const Located& located, transforms::ImageRequest asked)
        : services_(services),
          located_(located),
          asked_(std::move(asked)),
          version_(names_content(asked_.version, located.source->content)),
          notes_(notes(asked_.ignored_keys)) {}

    http::Reply respond(const http::Request& request) override {
        if (request.method == http::Method::Options) return http::options_answer(request, http::MediaClass::Image);
        if (!services_.images.ready()) {
            return refused({.kind = ErrorKind::Overloaded, .code = "overloaded", .detail = "no transform worker has started yet"},
                           asked_.plan.auto_format);
        }
        Variant& variant = variant_for(request);
        if (const auto object = services_.images.find(variant.key)) return answer(request, variant, object, http::Verdict::Hit);
        return make(request, variant);
    }

    const catalogue::Source* source() const override { return located_.source.get(); }

private:
    http::Reply make(const http::Request& request, Variant& variant) {
        return std::make_unique<Later>([this, self = shared_from_this(), &request, &variant](Later::Done done) {
            representations::ImageTask task{.key = variant.key,
                                            .catalogue = located_.site->catalogue,
                                            .source = located_.source,
                                            .plan = transforms::canonical(asked_.plan),
                                            .format = variant.format,
                                            .quality = variant.quality,
                                            .keep = !located_.bypass()};
            return services_.images.make(
                services_.loop, std::move(task),
                [this, self, &request, &variant, done = std::move(done)](const representations::Filled& filled) mutable {
                    done(made(request, variant, filled));
                });
        });
    }

    // All that the choice depends on besides the resource is which of three formats the client takes.
    Variant& variant_for(const http::Request& request) {
        transforms::AcceptedFormats accepted;
        if (asked_.plan.auto_format) {
            accepted = services_.accepted_formats.of(request.field("accept"), transforms::parse_accept);
        }
        auto& variant = variants_[(accepted.avif ? 1U : 0U) + (accepted.webp ? 2U : 0U) + (accepted.jxl ? 4U : 0U)];
        if (!variant) variant = std::make_unique<Variant>(choose(accepted));
        return *variant;
    }

    Variant choose(transforms::AcceptedFormats accepted) const {
        const transforms::Probe& probe = *located_.source->image;
        Variant variant;
        variant.format = transforms::choose_format(asked_.plan, accepted,
                                                   {.format = probe.format, .animated = probe.animated, .alpha = probe.alpha},
                                                   located_.site->auto_formats);
        if (variant.format == Format::Avif && output_pixels(asked_.plan, probe) > located_.snapshot->config->image.avif_pixels) {
            variant.format = Format::Webp;  // image-urls §3: a large AVIF takes seconds
        }
        variant.quality = transforms::effective_quality(asked_.plan, variant.format, located_.site->quality);
        variant.recipe = transforms::variant_recipe(asked_.plan, variant.format, variant.quality);
        variant.key = services_.images.key(located_.source->content, variant.recipe);
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

    http::Answer made(const http::Request& request, Variant& variant, const representations::Filled& filled) {
        if (!filled.object) {
            services_.log.info("image", "{}: {}{}{}", located_.source->path, filled.object.error().code,
                               filled.object.error().detail.empty() ? "" : ": ", filled.object.error().detail);
            return refused(filled.object.error(), asked_.plan.auto_format);
        }
        http::Reply reply = answer(request, variant, *filled.object, filled.verdict);
        auto& result = std::get<http::Answer>(reply);
        result.fill_time = filled.fill_time;
        return std::move(result);
    }

    http::Reply answer(const http::Request& request, Variant& variant, const cache_store::ObjectPtr& object,
                       http::Verdict verdict) {
        if (!same(variant.object, object) && !read_facts(variant, object)) {
            return refused({.kind = ErrorKind::Internal, .code = {}, .detail = "foreign metadata"}, false);
        }
        if (notes_.empty()) return judged(request, variant, object, verdict);
        http::Reply reply = judged(request, variant, object, verdict);
        std::get<http::Answer>(reply).extra.add("x-img-notes", notes_);
        return reply;
    }

    http::Reply judged(const http::Request& request, const Variant& variant, const cache_store::ObjectPtr& object,
                       http::Verdict verdict) const {
        return answer_selected(
            request,
            {
                .validators = {.content = variant.etag, .suffix = {}, .last_modified = located_.source->modified},
                .heads = variant.heads,
                .body = variant.guarded ? identity_body(*located_.source) : http::Body(object->body),
                .verdict = located_.bypass() ? http::Verdict::Bypass : verdict,
                .ranges = true,
            },
            services_.now);
    }

    // False: the metadata is not ours.
    bool read_facts(Variant& variant, const cache_store::ObjectPtr& object) {
        auto facts = representations::from_meta(object->meta);
        if (!facts) return false;
        variant.guarded = source_is_better(*object);
        if (variant.guarded) {
            facts->media_type = located_.source->media_type;
            facts->etag = located_.source->etag;
        }
        variant.heads = heads(variant, *facts);
        variant.etag = std::move(facts->etag);
        variant.object = object;
        return true;
    }

    // "ignored: utm_source, foo": for whoever wonders why a parameter does nothing. Raw bytes of a URL: only plain ones are
    // repeated.
    static std::string notes(const std::vector<std::string>& keys) {
        constexpr std::size_t kMost = 200;
        if (keys.empty()) return {};
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
    bool source_is_better(const cache_store::Object& object) const {
        const Format kind = located_.source->image->format;
        const bool universal = kind == Format::Jpeg || kind == Format::Png || kind == Format::Gif;
        return universal && asked_.plan.auto_format && !asked_.plan.has_visual_effect() &&
               object.body->size() >= located_.source->size;
    }

    HeadCache::Heads heads(const Variant& variant, const representations::Facts& facts) {
        const std::uint64_t version_number = static_cast<std::uint64_t>(version_);
        const std::uint64_t rule = located_.rule_number();
        const Key128 key =
            key_of({"image", bytes_of(located_.source->serial), bytes_of(located_.snapshot->generation), bytes_of(rule),
                    variant.recipe, bytes_of(version_number), asked_.plan.auto_format ? "auto" : "", facts.etag});
        return services_.heads.find_or_build(key, [&] { return build_heads(variant, facts); });
    }

    HeadCache::Heads build_heads(const Variant& variant, const representations::Facts& facts) const {
        const catalogue::Source& source = *located_.source;
        std::string cache_control = http::cache_control({.path = source.path,
                                                         .media_class = http::MediaClass::Image,
                                                         .fingerprinted = source.fingerprinted,
                                                         .verified = version_ == VersionMatch::Matches,
                                                         .status = 200},
                                                        located_.rule);
        // The client asks for a version that this is not: it may be a deploy under way (image-urls §1.2, `v`).
        if (version_ == VersionMatch::Differs && !located_.bypass()) cache_control = "no-cache";
        http::Head::Fields fields;
        fields.emplace_back("content-type", facts.media_type);
        fields.emplace_back("cache-control", cache_control);
        fields.emplace_back("etag", fmt::format("\"{}\"", facts.etag));
        fields.emplace_back("last-modified", source.last_modified);
        fields.emplace_back("accept-ranges", "bytes");
        if (asked_.plan.auto_format) fields.emplace_back("vary", "Accept");
        fields.emplace_back("x-content-type-options", "nosniff");
        fields.emplace_back("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
        fields.emplace_back("content-disposition",
                            disposition(source.path, variant.guarded ? source.image->format : variant.format));
        fields.emplace_back("x-img", variant.guarded ? std::string("guard") : description(variant, facts));
        return finish_heads(std::move(fields), located_.rule);
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

    Services& services_;
    const Located located_;
    const transforms::ImageRequest asked_;
    const VersionMatch version_;
    const std::string notes_;
    std::array<std::unique_ptr<Variant>, 8> variants_;  // by what the client accepts; made when first asked for
};

class ImageHandler final : public Handler {
public:
    explicit ImageHandler(Services& services) : services_(services) {}

    ResourcePtr open(const Located& located, std::string_view query) override {
        if (!located.source->image || query.empty()) return nullptr;
        auto asked = transforms::parse_canonical(query, located.site->dialect);
        if (!asked) return std::make_shared<RefusedImage>(located, asked.error(), true);
        if (!*asked) return nullptr;  // no transform key: the file itself
        // Browsers draw an SVG sharper than any picture of it: only an explicit `fm` asks for pixels (image-urls §3).
        if (located.source->image->format == Format::Svg && !(*asked)->plan.format) return nullptr;
        if (const auto error = limits_exceeded(located)) {
            return std::make_shared<RefusedImage>(located, *error, (*asked)->plan.auto_format);
        }
        return std::make_shared<Image>(services_, located, **std::move(asked));
    }

private:
    Services& services_;
};

}  // namespace

std::unique_ptr<Handler> make_image_handler(Services& services) { return std::make_unique<ImageHandler>(services); }

}  // namespace selvage::handlers
