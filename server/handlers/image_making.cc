// Image variants that are not there: made for who waits, made in the background, or stood in for. See image_resource.h.
#include <algorithm>
#include <utility>

#include "server/handlers/image_resource.h"
#include "server/representations/stale.h"

namespace selvage::handlers {

namespace {

using representations::Filled;
using transforms::ImageEffort;

// A variant that is stale is asked to be made anew so often by each loop, as long as it is.
constexpr std::chrono::seconds kRefresh{1};

bool is_crowded(const representations::TransformPressure& pressure, const config::Image& settings) {
    return !pressure.takes_heavy() || pressure.wait() > settings.degrade_wait;
}

}  // namespace

// Has a variant made, and when that fails, looks for what can stand in for it.
class Image::Making final : public http::PendingReply {
public:
    Making(std::shared_ptr<Image> image, const http::Request& request, Variant& variant, ImageEffort effort, Charge charge)
        : image_(std::move(image)), request_(request), variant_(variant), effort_(effort), charge_(charge) {}

    void start(std::move_only_function<void(http::Answer)> done) override {
        done_ = std::move(done);
        const std::string_view peer = charge_ == Charge::Client ? std::string_view(request_.peer) : std::string_view();
        operation_ = image_->images().make(image_->services_.loop, image_->task(variant_, effort_), peer,
                                           [this](const Filled& filled) { made(filled); });
    }

    void withdraw() override {
        operation_.withdraw([this] { finish({}); });
    }

private:
    void made(const Filled& filled) {
        if (filled.object) return finish(image_->filled_answer(request_, variant_, filled));
        failure_ = filled.object.error();
        if (failure_.kind == ErrorKind::RateLimited) return give_up();
        image_->services_.log.info("image", "{}: {}{}{}", image_->located_.source->path, failure_.code,
                                   failure_.detail.empty() ? "" : ": ", failure_.detail);
        const auto window = image_->settings().cache.stale_if_error;
        old_ = representations::excuses_stale(failure_) ? image_->before(variant_, window) : nullptr;
        if (!old_) return give_up();
        if (const auto found = image_->find_now(*old_)) return stand_in(found);
        if (!image_->images().on_disk(old_->key)) return give_up();
        operation_ = image_->images().fetch(image_->services_.loop, old_->key, image_->tags_.floor(),
                                            [this](const cache_store::Found& found) { stand_in(found); });
    }

    // RFC 5861 §4: the failure is ours to tell to the log, the picture before is what the client gets.
    void stand_in(const cache_store::Found& found) {
        if (!found) return give_up();
        image_->services_.log.warn("image", "{}: {}: what was made of the file before is sent instead",
                                   image_->located_.source->path, failure_.code);
        finish(std::get<http::Answer>(image_->stand_in(request_, *old_, found.object, http::Counter::StaleIfError)));
    }

    void give_up() {
        if (!image_->file_will_do(failure_)) return finish(image_->refuse(failure_));
        http::Reply reply = image_->as_it_is(request_);
        if (auto* answer = std::get_if<http::Answer>(&reply)) return finish(std::move(*answer));
        file_ = std::move(std::get<http::Pending>(reply));
        file_->start([this](http::Answer answer) { finish(std::move(answer)); });
    }

    void finish(http::Answer answer) {
        auto done = std::move(done_);
        done(std::move(answer));  // drops us
    }

    const std::shared_ptr<Image> image_;
    const http::Request& request_;
    Variant& variant_;
    const ImageEffort effort_;
    const Charge charge_;
    Variant* old_ = nullptr;
    Error failure_;
    std::move_only_function<void(http::Answer)> done_;
    loop::Operation operation_;
    http::Pending file_;
};

http::Pending Image::make(const http::Request& request, Variant& variant, ImageEffort effort, Charge charge) {
    return std::make_unique<Making>(shared(), request, variant, effort, charge);
}

// A client that has had too much made may still join what is made for others, but nothing more is begun because of it.
http::Reply Image::serve(const http::Request& request, Variant& variant) {
    const bool within_rate = images().may_miss(request.peer, services_.loop.now());
    if (variant.above_avif) services_.counters.limit_hit(http::LimitHit::ImageAvifPixels);
    if (within_rate) make_siblings(variant);
    const Course course = course_for(variant);
    Variant* other = course.send == Course::Send::Asked ? nullptr : in_other_format(variant, course.send);
    if (other == nullptr) return make(request, variant, course.effort, Charge::Client);
    const bool slow = course.send == Course::Send::Next;
    if (slow && within_rate) make_better(variant, http::Counter::ImagesInBackground);
    services_.counters.add(slow ? http::Counter::ImageFallbackSlow : http::Counter::ImageFallbackCrowded);
    if (const auto found = find_now(*other)) return found_answer(request, *other, found, http::Verdict::Hit);
    return make(request, *other, course.effort, Charge::Client);
}

Course Image::course_for(const Variant& variant) const {
    return choose_course({.format = variant.order.format,
                          .fast = variant.fast,
                          .negotiated = asked_.plan.auto_format,
                          .improvable = variant.improvable,
                          .background = settings().image.upgrade && !located_.bypass(),
                          .idle_workers = images().pressure().idle_workers(),
                          .crowded = is_crowded(images().pressure(), settings().image)},
                         settings().image);
}

// Null: there is none that would help.
Variant* Image::in_other_format(Variant& variant, Course::Send send) {
    Variant& next = without(variant, 1);
    const auto is_other = [&](const Variant& other) { return other.order.format != variant.order.format; };
    if (send == Course::Send::Next) return is_other(next) && next.fast <= variant.fast ? &next : nullptr;
    if (is_other(next) && find_now(next)) return &next;  // what is there takes no time at all
    Variant& plainest = without(variant, 2);
    Variant& quickest = plainest.fast < next.fast ? plainest : next;
    return is_other(quickest) && quickest.fast < variant.fast ? &quickest : nullptr;
}

// What a client would get that does not take AVIF, or neither AVIF nor WebP.
Variant& Image::without(Variant& variant, std::size_t formats) {
    auto& other = variant.other_format[formats - 1];
    if (!other) {
        auto accepted = variant.accepted;
        accepted.avif = false;
        if (formats > 1) accepted.webp = false;
        other = std::make_unique<Variant>(choose_variant(located_, variant.source, asked_.plan, accepted, images()));
        other->stands_in = true;
    }
    return *other;
}

representations::ImageTask Image::task(const Variant& variant, ImageEffort effort) {
    const auto& floor = tags_.floor();
    transforms::Order order = variant.order;
    order.effort = effort;
    if (order.target != 0) order.quality = images().reached().recall(variant.source->content, order.format, order.target);
    const auto cost = cost_of(variant, order);
    return {.key = variant.key,
            .catalogue = located_.site->catalogue,
            .source = variant.source,
            .order = order,
            .cost = cost,
            .keep = !located_.bypass(),
            .floor = floor,
            .birth = images().birth(floor)};
}

// Nobody waits, so it is made once.
representations::ImageTask Image::background_task(const Variant& variant) {
    return task(variant, variant.improvable ? ImageEffort::Best : ImageEffort::Usual);
}

void Image::refresh(Variant& variant, bool remake) {
    const SteadyTime now = services_.loop.now();
    if (now - variant.refresh_asked < kRefresh) return;
    variant.refresh_asked = now;
    representations::ImageTask again = background_task(variant);
    again.remake = remake;
    images().refresh(std::move(again), services_.log);
}

void Image::make_better(Variant& variant, http::Counter why) {
    if (is_crowded(images().pressure(), settings().image)) return;  // those who wait come first; it will be asked for again
    if (!variant.background.ends(services_.loop.now())) return;
    services_.counters.add(why);
    representations::ImageTask better = background_task(variant);
    better.remake = true;
    images().refresh(std::move(better), services_.log);
}

// The other widths of the `srcset` that this one is of, as far as they have been seen. Only those of a plain `w`: with a height,
// one would have to know that its ratio is meant.
void Image::make_siblings(const Variant& variant) {
    const transforms::Plan& plan = asked_.plan;
    if (!settings().image.siblings || located_.bypass() || plan.width == 0 || plan.height != 0) return;
    transforms::Plan family = plan;
    family.width = 0;
    const auto site = reinterpret_cast<std::uintptr_t>(located_.site->catalogue.get());
    const Key128 key = key_of({bytes_of(std::uint64_t{site}), transforms::canonical(family)});
    for (const std::uint32_t width : images().widths().asked(key, plan.width, variant.source->serial)) {
        if (width >= std::max(variant.source->image->width, variant.source->image->height) && !plan.enlarge) continue;
        transforms::Plan other = plan;
        other.width = width;
        const Variant sibling = choose_variant(located_, variant.source, other, variant.accepted, images());
        if (images().find(sibling.key, tags_.floor()) || images().on_disk(sibling.key)) continue;
        services_.counters.add(http::Counter::ImageSiblings);
        images().refresh(background_task(sibling), services_.log);
    }
}

}  // namespace selvage::handlers
