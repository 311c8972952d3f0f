#include <algorithm>
#include <array>
#include <memory>

#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/handlers/image_variant.h"
#include "server/http/cors.h"
#include "server/http/error_response.h"
#include "server/representations/request_tags.h"
#include "server/representations/stale.h"
#include "server/representations/transform_cost.h"
#include "transforms/dialects/canonical.h"
#include "transforms/negotiation.h"

namespace selvage::handlers {

namespace {

using representations::Filled;
using transforms::Format;

// A variant that is stale is asked to be made anew so often by each loop, as long as it is.
constexpr std::chrono::seconds kRefresh{1};

const http::OpenFilePtr kNoFile;

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
    // `plain` set: the file is no image any more, but its predecessor was one; what is sent when that cannot stand in for it.
    Image(Services& services, const Located& located, std::string_view query, transforms::ImageRequest asked, ResourcePtr plain)
        : services_(services),
          located_(located),
          asked_(std::move(asked)),
          version_(names_content(asked_.version, located.source->content)),
          notes_(image_notes(asked_.ignored_keys)),
          plain_(std::move(plain)),
          tags_(services.store, located.site->settings->hosts.front(), located.source->path, query, labels(located.rule)) {
        tags_.add(cache_store::source_tag(located.source->content));
    }

    http::Reply respond(const http::Request& request) override;
    const catalogue::Source* source() const override { return located_.source.get(); }

private:
    class Making;

    static std::span<const std::string> labels(const config::Rule* rule) {
        return rule ? std::span<const std::string>(rule->tags) : std::span<const std::string>();
    }
    std::shared_ptr<Image> shared() { return std::static_pointer_cast<Image>(shared_from_this()); }
    const config::Cache& settings() const { return located_.snapshot->config->cache; }
    representations::Images& images() const { return services_.images; }

    Variant& variant_for(const http::Request& request);
    http::Reply missed(const http::Request& request, Variant& variant);
    http::Reply former(const http::Request& request);

    representations::ImageTask task(const Variant& variant);
    void refresh(Variant& variant, bool remake);
    Variant* before(Variant& variant, std::chrono::seconds window) const;
    cache_store::Found find_now(const Variant& variant);

    http::Answer refuse(const Error& error) const { return refused(error, asked_.plan.auto_format); }
    http::Reply found_answer(const http::Request& request, Variant& variant, const cache_store::Found& found,
                             http::Verdict verdict);
    http::Answer filled_answer(const http::Request& request, Variant& variant, const Filled& filled);
    http::Reply stand_in(const http::Request& request, Variant& old, const cache_store::ObjectPtr& object, http::Counter why);
    http::Reply answer(const http::Request& request, Variant& variant, const cache_store::ObjectPtr& object,
                       http::Verdict verdict, Life life, const http::OpenFilePtr& file = kNoFile);
    bool read_facts(Variant& variant, const cache_store::ObjectPtr& object, Life life, std::uint64_t size);
    bool source_is_better(const Variant& variant, std::uint64_t size) const;
    HeadCache::Heads heads(const Variant& variant, const representations::Facts& facts, Life life);

    Services& services_;
    const Located located_;
    const transforms::ImageRequest asked_;
    const VersionMatch version_;
    const std::string notes_;
    const ResourcePtr plain_;
    representations::RequestTags tags_;
    std::array<std::unique_ptr<Variant>, 8> variants_;  // by what the client accepts; made when first asked for
};

// Has a variant made, and when that fails, looks for what can stand in for it.
class Image::Making final : public http::PendingReply {
public:
    Making(std::shared_ptr<Image> image, const http::Request& request, Variant& variant)
        : image_(std::move(image)), request_(request), variant_(variant) {}

    void start(std::move_only_function<void(http::Answer)> done) override {
        done_ = std::move(done);
        operation_ =
            image_->images().make(image_->services_.loop, image_->task(variant_), [this](const Filled& filled) { made(filled); });
    }

    void withdraw() override {
        operation_.withdraw([this] { finish({}); });
    }

private:
    void made(const Filled& filled) {
        if (filled.object) return finish(image_->filled_answer(request_, variant_, filled));
        failure_ = filled.object.error();
        image_->services_.log.info("image", "{}: {}{}{}", image_->located_.source->path, failure_.code,
                                   failure_.detail.empty() ? "" : ": ", failure_.detail);
        old_ = representations::excuses_stale(failure_) ? image_->before(variant_, image_->settings().stale_if_error) : nullptr;
        if (!old_) return finish(image_->refuse(failure_));
        if (const auto found = image_->find_now(*old_)) return stand_in(found);
        if (!image_->images().on_disk(old_->key)) return finish(image_->refuse(failure_));
        operation_ = image_->images().fetch(image_->services_.loop, old_->key, image_->tags_.floor(),
                                            [this](const cache_store::Found& found) { stand_in(found); });
    }

    // RFC 5861 §4: the failure is ours to tell to the log, the picture before is what the client gets.
    void stand_in(const cache_store::Found& found) {
        if (!found) return finish(image_->refuse(failure_));
        image_->services_.log.warn("image", "{}: {}: what was made of the file before is sent instead",
                                   image_->located_.source->path, failure_.code);
        finish(std::get<http::Answer>(image_->stand_in(request_, *old_, found.object, http::Counter::StaleIfError)));
    }

    void finish(http::Answer answer) {
        auto done = std::move(done_);
        done(std::move(answer));  // drops us
    }

    const std::shared_ptr<Image> image_;
    const http::Request& request_;
    Variant& variant_;
    Variant* old_ = nullptr;
    Error failure_;
    std::move_only_function<void(http::Answer)> done_;
    loop::Operation operation_;
};

http::Reply Image::respond(const http::Request& request) {
    if (request.method == http::Method::Options) return http::options_answer(request, http::MediaClass::Image);
    if (!images().ready()) {
        return refuse({.kind = ErrorKind::Overloaded, .code = "overloaded", .detail = "no transform worker has started yet"});
    }
    if (plain_) return former(request);
    Variant& variant = variant_for(request);
    const auto found = images().find(variant.key, tags_.floor());
    if (found) return found_answer(request, variant, found, http::Verdict::Hit);
    return missed(request, variant);
}

http::Reply Image::missed(const http::Request& request, Variant& variant) {
    if (const auto found = images().fetch_now(variant.key, tags_.floor())) {
        return found_answer(request, variant, found, http::Verdict::DiskHit);
    }
    // RFC 5861 §3. Not for who names the content that he wants.
    Variant* old = version_ == VersionMatch::Matches ? nullptr : before(variant, settings().stale_while_revalidate);
    if (old != nullptr && !images().on_disk(variant.key)) {
        if (const auto found = find_now(*old)) {
            refresh(variant, false);
            return stand_in(request, *old, found.object, http::Counter::StaleWhileRevalidate);
        }
    }
    return std::make_unique<Making>(shared(), request, variant);
}

// The file cannot be read as an image at all: a failure that is known without another try.
http::Reply Image::former(const http::Request& request) {
    Variant& old = variant_for(request);
    const SteadyTime replaced = located_.source->predecessor->replaced;
    if (representations::may_stand_in(replaced, settings().stale_if_error, services_.loop.now())) {
        if (const auto found = find_now(old)) return stand_in(request, old, found.object, http::Counter::StaleIfError);
    }
    return plain_->respond(request);
}

// All that the choice depends on besides the resource is which of three formats the client takes.
Variant& Image::variant_for(const http::Request& request) {
    transforms::AcceptedFormats accepted;
    if (asked_.plan.auto_format) {
        accepted = services_.accepted_formats.of(request.field("accept"), transforms::parse_accept);
    }
    auto& variant = variants_[(accepted.avif ? 1U : 0U) + (accepted.webp ? 2U : 0U) + (accepted.jxl ? 4U : 0U)];
    if (!variant) {
        const catalogue::SourcePtr& of = plain_ ? located_.source->predecessor->source : located_.source;
        variant = std::make_unique<Variant>(choose_variant(located_, of, asked_.plan, accepted, images()));
    }
    return *variant;
}

// The variant of what the file was before, while the window since its change is open; null: there is none.
Variant* Image::before(Variant& variant, std::chrono::seconds window) const {
    const auto& predecessor = variant.source->predecessor;
    if (!predecessor || located_.bypass()) return nullptr;
    if (!representations::may_stand_in(predecessor->replaced, window, services_.loop.now())) return nullptr;
    if (!variant.before) {
        variant.before =
            std::make_unique<Variant>(choose_variant(located_, predecessor->source, asked_.plan, variant.accepted, images()));
    }
    return variant.before.get();
}

cache_store::Found Image::find_now(const Variant& variant) {
    auto found = images().find(variant.key, tags_.floor());
    return found ? found : images().fetch_now(variant.key, tags_.floor());
}

representations::ImageTask Image::task(const Variant& variant) {
    const transforms::Probe& probe = *variant.source->image;
    const auto& floor = tags_.floor();
    return {
        .key = variant.key,
        .catalogue = located_.site->catalogue,
        .source = variant.source,
        .order = {.plan = asked_.plan,
                  .format = variant.format,
                  .quality = variant.quality,
                  .target = asked_.plan.target && variant.quality != 0 ? static_cast<unsigned>(*asked_.plan.target) : 0},
        .cost = representations::transform_cost(variant.format, variant.output_pixels, std::uint64_t{probe.width} * probe.height),
        .keep = !located_.bypass(),
        .floor = floor,
        .birth = images().birth(floor)};
}

void Image::refresh(Variant& variant, bool remake) {
    const SteadyTime now = services_.loop.now();
    if (now - variant.refresh_asked < kRefresh) return;
    variant.refresh_asked = now;
    representations::ImageTask again = task(variant);
    again.remake = remake;
    images().refresh(std::move(again), services_.log);
}

http::Reply Image::found_answer(const http::Request& request, Variant& variant, const cache_store::Found& found,
                                http::Verdict verdict) {
    if (!found.stale) return answer(request, variant, found.object, verdict, Life::Policy);
    refresh(variant, true);
    services_.counters.add(http::Counter::StaleWhileRevalidate);
    return answer(request, variant, found.object, http::Verdict::Stale, Life::Short);
}

http::Answer Image::filled_answer(const http::Request& request, Variant& variant, const Filled& filled) {
    const bool stale = filled.verdict == http::Verdict::Stale;
    if (stale) {
        refresh(variant, true);
        services_.counters.add(http::Counter::StaleWhileRevalidate);
    }
    http::Reply reply = answer(request, variant, *filled.object, filled.verdict, stale ? Life::Short : Life::Policy, filled.file);
    auto& result = std::get<http::Answer>(reply);
    result.fill_time = filled.fill_time;
    return std::move(result);
}

http::Reply Image::stand_in(const http::Request& request, Variant& old, const cache_store::ObjectPtr& object, http::Counter why) {
    services_.counters.add(why);
    return answer(request, old, object, http::Verdict::Stale, Life::Short);
}

http::Reply Image::answer(const http::Request& request, Variant& variant, const cache_store::ObjectPtr& object,
                          http::Verdict verdict, Life life, const http::OpenFilePtr& file) {
    LastSent& sent = variant.sent(life);
    const std::uint64_t size = file ? file->size() : object->body->size();
    if (!sent.is_of(object) && !read_facts(variant, object, life, size)) {
        return refused({.kind = ErrorKind::Internal, .code = {}, .detail = "foreign metadata"}, false);
    }
    const auto body = [&] {
        if (sent.guarded) return identity_body(*variant.source);
        return file ? http::Body(http::Segment{.bytes = {}, .file = file, .offset = 0, .length = size})
                    : http::Body(object->body);
    };
    http::Reply reply =
        answer_selected(request,
                        {
                            .validators = {.content = sent.etag, .suffix = {}, .last_modified = variant.source->modified},
                            .heads = sent.heads,
                            .body = body(),
                            .verdict = located_.bypass() ? http::Verdict::Bypass : verdict,
                            .ranges = true,
                        },
                        services_.now);
    if (!notes_.empty()) std::get<http::Answer>(reply).extra.add("x-img-notes", notes_);
    return reply;
}

// False: the metadata is not ours.
bool Image::read_facts(Variant& variant, const cache_store::ObjectPtr& object, Life life, std::uint64_t size) {
    auto facts = representations::from_meta(object->meta);
    if (!facts) return false;
    LastSent& sent = variant.sent(life);
    sent.guarded = source_is_better(variant, size);
    if (sent.guarded) {
        facts->media_type = variant.source->media_type;
        facts->etag = variant.source->etag;
    }
    sent.heads = heads(variant, *facts, life);
    sent.etag = std::move(facts->etag);
    sent.object = object;
    return true;
}

// The size guard of image-urls §1.2: nothing but another format was wanted, and it did not become smaller. Only the kinds that
// every client shows may stand in; and not what is no longer there.
bool Image::source_is_better(const Variant& variant, std::uint64_t size) const {
    const Format kind = variant.source->image->format;
    const bool universal = kind == Format::Jpeg || kind == Format::Png || kind == Format::Gif;
    const bool there = variant.source->bytes || variant.source->file;
    return universal && there && asked_.plan.auto_format && !asked_.plan.has_visual_effect() && size >= variant.source->size;
}

HeadCache::Heads Image::heads(const Variant& variant, const representations::Facts& facts, Life life) {
    const std::uint64_t version_number = static_cast<std::uint64_t>(version_);
    const std::uint64_t rule = located_.rule_number();
    const bool guarded = variant.source->etag == facts.etag;
    const Key128 key = key_of({"image", bytes_of(variant.source->serial), bytes_of(located_.snapshot->generation), bytes_of(rule),
                               variant.recipe, bytes_of(version_number), asked_.plan.auto_format ? "auto" : "", facts.etag,
                               life == Life::Short ? "short" : ""});
    return services_.heads.find_or_build(key, [&] {
        return build_image_heads({.located = located_,
                                  .plan = asked_.plan,
                                  .variant = variant,
                                  .facts = facts,
                                  .guarded = guarded,
                                  .verified = version_ == VersionMatch::Matches,
                                  .other_version = version_ == VersionMatch::Differs,
                                  .life = life});
    });
}

class ImageHandler final : public Handler {
public:
    explicit ImageHandler(Services& services) : services_(services), files_(make_static_handler(services)) {}

    ResourcePtr open(const Located& located, std::string_view query) override {
        const bool former = !located.source->image && located.source->predecessor;
        const catalogue::Source& image = former ? *located.source->predecessor->source : *located.source;
        if (!image.image || query.empty()) return nullptr;
        auto asked = transforms::parse_canonical(query, located.site->dialect);
        if (!asked) return former ? nullptr : std::make_shared<RefusedImage>(located, asked.error(), true);
        if (!*asked) return nullptr;  // no transform key: the file itself
        // Browsers draw an SVG sharper than any picture of it: only an explicit `fm` asks for pixels (image-urls §3).
        if (image.image->format == Format::Svg && !(*asked)->plan.format) return nullptr;
        if (former) {
            return std::make_shared<Image>(services_, located, query, **std::move(asked), files_->open(located, query));
        }
        if (const auto error = limits_exceeded(located)) {
            return std::make_shared<RefusedImage>(located, *error, (*asked)->plan.auto_format);
        }
        return std::make_shared<Image>(services_, located, query, **std::move(asked), nullptr);
    }

private:
    Services& services_;
    const std::unique_ptr<Handler> files_;  // for what is an image no more
};

}  // namespace

std::unique_ptr<Handler> make_image_handler(Services& services) { return std::make_unique<ImageHandler>(services); }

}  // namespace selvage::handlers
