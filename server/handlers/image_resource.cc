#include "server/handlers/image_resource.h"

#include <utility>

#include "server/handlers/answering.h"
#include "server/handlers/image_refusal.h"
#include "server/http/cors.h"
#include "server/representations/stale.h"

namespace selvage::handlers {

namespace {

using representations::Filled;
using transforms::Format;

const http::OpenFilePtr kNoFile;

std::span<const std::string> labels(const config::Rule* rule) {
    return rule ? std::span<const std::string>(rule->tags) : std::span<const std::string>();
}

// What every browser shows.
bool is_universal(Format format) { return format == Format::Jpeg || format == Format::Png || format == Format::Gif; }

}  // namespace

Image::Image(Services& services, const Located& located, std::string_view query, transforms::ImageRequest asked, ImageUrl url,
             ResourcePtr file)
    : services_(services),
      located_(located),
      asked_(std::move(asked)),
      url_(url),
      version_(names_content(asked_.version, located.source->content)),
      notes_(image_notes(asked_.ignored_keys)),
      file_(std::move(file)),
      tags_(services.store, located.site->settings->hosts.front(), located.source->path, query, labels(located.rule)) {
    tags_.add(cache_store::source_tag(located.source->content));
}

http::Reply Image::respond(const http::Request& request) {
    if (request.method == http::Method::Options) return http::options_answer(request, http::MediaClass::Image);
    if (!images().ready()) return not_ready(request);
    if (url_ == ImageUrl::Former) return former(request);
    Variant& variant = variant_for(request);
    if (url_ == ImageUrl::Plain && variant.order.format == variant.source->image->format) return as_it_is(request);
    const auto found = images().find(variant.key, tags_.floor());
    if (found) return found_answer(request, variant, found, http::Verdict::Hit);
    return missed(request, variant);
}

http::Reply Image::missed(const http::Request& request, Variant& variant) {
    if (const auto found = images().fetch_now(variant.key, tags_.floor())) {
        return found_answer(request, variant, found, http::Verdict::DiskHit);
    }
    if (images().on_disk(variant.key)) return make(request, variant, variant.order.effort, Charge::Nobody);
    // RFC 5861 §3. Not for who names the content that he wants.
    Variant* old = version_ == VersionMatch::Matches ? nullptr : before(variant, settings().cache.stale_while_revalidate);
    if (old != nullptr) {
        if (const auto found = find_now(*old)) {
            refresh(variant, false);
            return stand_in(request, *old, found.object, http::Counter::StaleWhileRevalidate);
        }
    }
    return serve(request, variant);
}

// The file cannot be read as an image at all: a failure that is known without another try.
http::Reply Image::former(const http::Request& request) {
    Variant& old = variant_for(request);
    const SteadyTime replaced = located_.source->predecessor->replaced;
    if (representations::may_stand_in(replaced, settings().cache.stale_if_error, services_.loop.now())) {
        if (const auto found = find_now(old)) return stand_in(request, old, found.object, http::Counter::StaleIfError);
    }
    return file_->respond(request);
}

http::Reply Image::not_ready(const http::Request& request) {
    if (url_ == ImageUrl::Plain && is_universal(located_.source->image->format)) return as_it_is(request);
    return refuse({.kind = ErrorKind::Overloaded, .code = "overloaded", .detail = "no transform worker has started yet"});
}

// A file that nobody asked to change, and that cannot be, or not now: it is what the URL names.
bool Image::file_will_do(const Error& failure) const {
    if (url_ != ImageUrl::Plain) return false;
    if (failure.kind == ErrorKind::RateLimited) return is_universal(located_.source->image->format);
    return failure.kind == ErrorKind::Unprocessable || failure.kind == ErrorKind::Unsupported;
}

// Another client may be sent it in another format.
http::Reply Image::as_it_is(const http::Request& request) {
    http::Reply reply = file_->respond(request);
    if (auto* answer = std::get_if<http::Answer>(&reply)) answer->extra.add("vary", "Accept");
    return reply;
}

// All that the choice depends on besides the resource is which of three formats the client takes.
Variant& Image::variant_for(const http::Request& request) {
    transforms::AcceptedFormats accepted;
    if (asked_.plan.auto_format) {
        accepted = services_.accepted_formats.of(request.field("accept"), transforms::parse_accept);
    }
    auto& variant = variants_[(accepted.avif ? 1U : 0U) + (accepted.webp ? 2U : 0U) + (accepted.jxl ? 4U : 0U)];
    if (!variant) {
        const catalogue::SourcePtr& of = url_ == ImageUrl::Former ? located_.source->predecessor->source : located_.source;
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

http::Answer Image::refuse(const Error& error) const { return refused(error, asked_.plan.auto_format); }

http::Reply Image::found_answer(const http::Request& request, Variant& variant, const cache_store::Found& found,
                                http::Verdict verdict) {
    if (!found.stale) return answer(request, variant, found.object, verdict, Life::Policy, kNoFile);
    refresh(variant, true);
    services_.counters.add(http::Counter::StaleWhileRevalidate);
    return answer(request, variant, found.object, http::Verdict::Stale, Life::Stale, kNoFile);
}

http::Answer Image::filled_answer(const http::Request& request, Variant& variant, const Filled& filled) {
    const bool stale = filled.verdict == http::Verdict::Stale;
    const bool was_there = stale || filled.verdict == http::Verdict::Hit || filled.verdict == http::Verdict::DiskHit;
    if (stale) {
        refresh(variant, true);
        services_.counters.add(http::Counter::StaleWhileRevalidate);
    }
    const Life life = stale ? Life::Stale : Life::Policy;
    http::Reply reply = was_there ? answer(request, variant, *filled.object, filled.verdict, life, filled.file)
                                  : first_answer(request, variant, filled);
    auto& result = std::get<http::Answer>(reply);
    result.fill_time = filled.fill_time;
    return std::move(result);
}

http::Reply Image::stand_in(const http::Request& request, Variant& old, const cache_store::ObjectPtr& object, http::Counter why) {
    services_.counters.add(why);
    return answer(request, old, object, http::Verdict::Stale, Life::Stale, kNoFile);
}

// Of what was there. Heads and all that the metadata says are kept for the next who asks.
http::Reply Image::answer(const http::Request& request, Variant& variant, const cache_store::ObjectPtr& object,
                          http::Verdict verdict, Life life, const http::OpenFilePtr& file) {
    LastSent& sent = variant.sent(life);
    const std::uint64_t size = file ? file->size() : object->body->size();
    if (!sent.is_of(object) && !read_facts(sent, variant, object, life, verdict, size)) {
        return refused({.kind = ErrorKind::Internal, .code = {}, .detail = "foreign metadata"}, false);
    }
    if (sent.interim) {
        verdict = http::Verdict::Interim;
        if (!variant.stands_in) make_better(variant, http::Counter::ImageUpgrades);
    }
    return compose(request, variant, sent, object, verdict, file);
}

// Of what was made for this request, or for another at the same time.
http::Reply Image::first_answer(const http::Request& request, Variant& variant, const Filled& filled) {
    const cache_store::ObjectPtr& object = *filled.object;
    LastSent sent;
    if (!read_facts(sent, variant, object, Life::Policy, filled.verdict, object->body->size())) {
        return refused({.kind = ErrorKind::Internal, .code = {}, .detail = "foreign metadata"}, false);
    }
    return compose(request, variant, sent, object, filled.verdict, filled.file);
}

http::Reply Image::compose(const http::Request& request, const Variant& variant, const LastSent& sent,
                           const cache_store::ObjectPtr& object, http::Verdict verdict, const http::OpenFilePtr& file) {
    const auto body = [&] {
        if (sent.guarded) return identity_body(*variant.source);
        return file ? http::Body(http::Segment{.bytes = {}, .file = file, .offset = 0, .length = file->size()})
                    : http::Body(cache_store::body_of(object));
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
bool Image::read_facts(LastSent& sent, const Variant& variant, const cache_store::ObjectPtr& object, Life life,
                       http::Verdict verdict, std::uint64_t size) {
    auto facts = representations::from_meta(object->meta);
    if (!facts) return false;
    const transforms::Order& order = variant.order;
    if (order.target != 0 && facts->score != 0) {
        images().reached().remember(variant.source->content, order.format, order.target, facts->quality);
    }
    sent.guarded = source_is_better(variant, size);
    if (sent.guarded) {
        facts->media_type = variant.source->media_type;
        facts->etag = variant.source->etag;
    }
    sent.interim = life == Life::Policy && (variant.stands_in || (facts->interim && variant.improvable));
    sent.heads = heads({.located = located_,
                        .variant = variant,
                        .facts = *facts,
                        .guarded = sent.guarded,
                        .verified = version_ == VersionMatch::Matches,
                        .other_version = version_ == VersionMatch::Differs,
                        .life = sent.interim ? Life::Interim : life,
                        .verdict = verdict});
    sent.etag = std::move(facts->etag);
    sent.object = object;
    return true;
}

// The size guard of image-urls §1.2: nothing but another format was wanted, and it did not become smaller. Only the kinds that
// every client shows may stand in; and not what is no longer there.
bool Image::source_is_better(const Variant& variant, std::uint64_t size) const {
    const bool there = variant.source->bytes || variant.source->file;
    return is_universal(variant.source->image->format) && there && asked_.plan.auto_format && !asked_.plan.has_visual_effect() &&
           size >= variant.source->size;
}

HeadCache::Heads Image::heads(const ImageHeadFacts& facts) {
    // Sent once: not worth a place.
    if (facts.verdict == http::Verdict::Miss || facts.verdict == http::Verdict::Coalesced) return build_image_heads(facts);
    const auto version_number = static_cast<std::uint64_t>(version_);
    const auto life = static_cast<std::uint64_t>(facts.life);
    const std::uint64_t rule = located_.rule_number();
    const Key128 key = key_of({"image", bytes_of(facts.variant.source->serial), bytes_of(located_.snapshot->generation),
                               bytes_of(rule), facts.variant.recipe, bytes_of(version_number),
                               asked_.plan.auto_format ? "auto" : "", facts.facts.etag, bytes_of(life), image_word(facts)});
    return services_.heads.find_or_build(key, [&] { return build_image_heads(facts); });
}

}  // namespace selvage::handlers
