#include "server/representations/image_fill.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/representations/stored_file.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

namespace worker = transforms::worker;

namespace {

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

std::unexpected<Error> nobody_waits() { return fail(ErrorKind::Cancelled, "nobody waits for it any more"); }

Facts facts_of(const ImageTask& task, const worker::Done& done) {
    Facts facts;
    facts.media_type = transforms::row_of(done.format).media_type;
    facts.width = done.width;
    facts.height = done.height;
    facts.source_width = done.source_width;
    facts.source_height = done.source_height;
    facts.interim = !task.mezzanine && !transforms::is_final(done.format, done.effort);
    facts.quality = done.quality;
    facts.score = static_cast<unsigned>(std::max(0.0F, done.score) * 100);
    facts.made_for = fmt::format("{}?{}", task.source->path, transforms::canonical(task.order.plan));
    return facts;
}

// More effort does not always pay: what became no smaller and scores no better is not worth another entity tag. What was there
// before then stays, and is final.
void keep_the_better(cache_store::Store& store, const ImageTask& task, Facts& facts, cache_store::Object& object) {
    if (facts.interim) return;
    auto before = store.find(task.key, task.floor);
    if (!before) before = store.fetch(task.key, task.floor);
    if (!before || before.stale) return;
    auto known = from_meta(before.object->meta);
    if (!known || !known->interim) return;
    if (is_better(facts, object.body->size(), *known, before.object->body->size())) return;
    facts = *std::move(known);
    facts.interim = false;
    object.body = before.object->body;
    object.created = before.object->created;
}

}  // namespace

ImageFill::ImageFill(Surroundings surroundings, ImageTask task, Wanted wanted, Settle settle)
    : around_(surroundings),
      task_(std::make_shared<const ImageTask>(std::move(task))),
      source_(around_.rules.sources.of(task_->source->content)),
      wanted_(std::move(wanted)),
      settle_(std::move(settle)),
      kept_(task_->keep),
      deadline_(around_.control, [this] { late(); }) {}

void ImageFill::start() {
    started_ = std::chrono::steady_clock::now();
    const bool deserved = around_.rules.limits.mezzanine && task_->keep && !task_->mezzanine;
    if (deserved && task_->source->image && deserves_mezzanine(*task_->source->image)) {
        mezzanine_ = mezzanine_key(task_->source->content, around_.transforms.epoch());
    }
    deadline_.start(around_.rules.limits.source_timeout);
    prepare_of(mezzanine_ && may_stand_in(*task_->source->image, task_->order) ? mezzanine_ : std::nullopt);
}

void ImageFill::prepare_of(MezzanineKey mezzanine) {
    operation_ = around_.pool.submit(
        around_.control, loop::WorkPool::Lane::Now,
        [&store = around_.store, task = task_, source = source_, wanted = wanted_, mezzanine]() -> Result<Prepared> {
            if (!wanted()) return nobody_waits();
            return prepare(store, *task, mezzanine, *source);
        },
        [this](Result<Prepared> input) { prepared(std::move(input)); });
}

Result<ImageFill::Prepared> ImageFill::prepare(cache_store::Store& store, const ImageTask& task, MezzanineKey mezzanine,
                                               SourceMemory& source) {
    Prepared input;
    if (task.keep) input.stored = look_up(store, task);
    if (input.stored) return input;
    if (mezzanine) {
        if (auto smaller = read_mezzanine(store, *mezzanine, task)) return *std::move(smaller);
    }
    auto [memory, size] = TRY(source.view(*task.catalogue, *task.source));
    input.memory = std::move(memory);
    input.size = size;
    return input;
}

// Somebody may have made it since it was looked for in memory; or it is on disk, perhaps too large for memory.
std::optional<Filled> ImageFill::look_up(cache_store::Store& store, const ImageTask& task) {
    Filled filled{.object = fail(ErrorKind::NotFound, "not stored"), .verdict = http::Verdict::DiskHit};
    bool stale = false;
    if (auto found = store.find(task.key, task.floor)) {
        stale = found.stale;
        filled.object = std::move(found.object);
        filled.verdict = http::Verdict::Hit;
    } else if (!store.on_disk(task.key)) {
        return std::nullopt;
    } else if (auto body = store.open(task.key, task.floor)) {
        stale = task.floor.makes_stale(body->object().birth);
        filled.object = std::make_shared<const cache_store::Object>(body->object());
        filled.file = std::make_shared<const StoredFile>(std::move(body));
    } else {
        auto fetched = store.fetch(task.key, task.floor);
        if (!fetched) return std::nullopt;
        stale = fetched.stale;
        filled.object = std::move(fetched.object);
    }
    const auto interim = [&] {
        const auto facts = from_meta((*filled.object)->meta);
        return facts && facts->interim;
    };
    if (task.remake && (stale || interim())) return std::nullopt;
    if (stale) filled.verdict = http::Verdict::Stale;
    return filled;
}

// Nothing: it is not there, not to be believed, or too small for what is ordered. The source then has to be read.
std::optional<ImageFill::Prepared> ImageFill::read_mezzanine(cache_store::Store& store, const Key128& key,
                                                             const ImageTask& task) {
    auto found = store.find(key, task.floor);
    if (!found && store.on_disk(key)) found = store.fetch(key, task.floor);
    if (!found || found.stale) return std::nullopt;
    const auto facts = from_meta(found.object->meta);
    if (!facts || facts->source_width == 0 || facts->source_height == 0) return std::nullopt;
    const transforms::Original original{.width = facts->source_width, .height = facts->source_height};
    if (!can_stand_in(original, task.order)) return std::nullopt;
    auto memory = worker::sealed_memory("selvage-mezzanine", found.object->body->view());
    if (!memory) return std::nullopt;
    Prepared input;
    input.memory = *std::move(memory);
    input.size = found.object->body->size();
    input.original = original;
    return input;
}

void ImageFill::prepared(Result<Prepared> input) {
    if (!input) return finish({.object = std::unexpected(std::move(input.error()))});
    if (input->stored) return finish(*std::move(input->stored));
    reading_ = false;
    deadline_.start(std::max(around_.rules.limits.total_timeout - since(started_), std::chrono::milliseconds(1)));
    original_ = input->original;
    mezzanine_due_ = !original_.stands_in() && makes_mezzanine_due();
    operation_ = around_.transforms.submit(job_of(*std::move(input)),
                                           [this](Result<TransformResult> result) { transformed(std::move(result)); });
}

TransformJob ImageFill::job_of(Prepared input) const {
    TransformJob job;
    job.source = std::move(input.memory);
    job.source_size = input.size;
    job.content = task_->source->content;
    job.original = input.original;
    job.name = task_->source->path;
    job.drawing = task_->source->image && task_->source->image->format == transforms::Format::Svg;
    job.order = task_->order;
    job.cost = task_->cost;
    if (input.original.stands_in()) {
        job.cost.decode =
            transform_cost({.format = transforms::Format::Jpeg, .pixels = mezzanine_pixels(input.original), .bytes = input.size},
                           task_->order, 0)
                .decode;
    }
    job.wanted = wanted_;
    return job;
}

// What a worker has made is kept, wanted or not: it has been paid for. What is not to be kept needs somebody who wants it.
void ImageFill::transformed(Result<TransformResult> result) {
    if (!result) {
        const bool unreadable = result.error().kind == ErrorKind::Unprocessable || result.error().kind == ErrorKind::Unsupported;
        if (original_.stands_in() && unreadable) {
            around_.store.erase(*mezzanine_);
            return prepare_of(std::nullopt);
        }
        return finish({.object = std::unexpected(std::move(result.error()))});
    }
    if (!task_->keep && !wanted_()) return finish({.object = nobody_waits()});
    note_mezzanine();
    if (original_.stands_in()) {
        result->done.source_width = original_.width;
        result->done.source_height = original_.height;
    }
    kept_ = may_be_kept();
    operation_ = around_.pool.submit(
        around_.control, loop::WorkPool::Lane::Now,
        [&store = around_.store, task = task_, output = std::move(*result), keep = kept_] {
            return adopt(store, *task, output, keep);
        },
        [this](Result<cache_store::ObjectPtr> object) { finish({.object = std::move(object)}); });
}

bool ImageFill::makes_mezzanine_due() {
    if (!mezzanine_ || !may_stand_in(*task_->source->image, task_->order)) return false;
    return around_.rules.mezzanines.due(task_->source->content, task_->key, around_.control.now());
}

void ImageFill::note_mezzanine() {
    http::Counters& counters = around_.fills.counters();
    if (task_->mezzanine) counters.add(http::Counter::MezzaninesMade);
    if (original_.stands_in()) return counters.add(http::Counter::MezzaninesUsed);
    if (mezzanine_) around_.rules.mezzanines.made(task_->source->content, task_->key, around_.control.now());
    if (mezzanine_due_) begin_mezzanine();
}

// Of the second variant of a source, now that it is made: it shall not wait for what others may gain.
void ImageFill::begin_mezzanine() {
    const transforms::Probe& probe = *task_->source->image;
    ImageTask task{.key = *mezzanine_,
                   .catalogue = task_->catalogue,
                   .source = task_->source,
                   .order = mezzanine_order(),
                   .mezzanine = true,
                   .floor = task_->floor,
                   .birth = task_->birth};
    const transforms::Original original{.width = probe.width, .height = probe.height};
    task.cost = transform_cost(claims_of(probe, task.source->size), task.order, mezzanine_pixels(original));
    const Key128 key = flight_key(task.key, task.floor);
    around_.fills.refresh(key, [around = around_, task = std::move(task)](Wanted wanted, Settle settle) {
        return std::make_unique<ImageFill>(around, task, std::move(wanted), std::move(settle));
    });
}

// A variant that is made again, or whose source has room for one more in the store.
bool ImageFill::may_be_kept() {
    if (!task_->keep || task_->mezzanine) return task_->keep;
    const auto is_stored = [this](const Key128& key) {
        return around_.store.on_disk(key) || around_.store.find(key, cache_store::Floor{}).object != nullptr;
    };
    if (around_.rules.budget.admit(task_->source->content, task_->key, around_.control.now(), is_stored)) return true;
    around_.fills.counters().limit_hit(http::LimitHit::ImageVariants);
    return false;
}

Result<cache_store::ObjectPtr> ImageFill::adopt(cache_store::Store& store, const ImageTask& task, const TransformResult& result,
                                                bool keep) {
    std::string bytes = TRY(worker::read_sealed(result.output.number(), result.done.output_size));
    Facts facts = facts_of(task, result.done);
    facts.etag = etag_text(sha256(bytes));
    auto object = std::make_shared<cache_store::Object>(cache_store::Object{
        .meta = {},
        .body = make_blob(std::move(bytes)),
        .cost_ms = result.done.cpu_us / 1000,
        .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
        .birth = task.birth,
        .tags = {cache_store::source_tag(task.source->content)},
    });
    if (task.remake) keep_the_better(store, task, facts, *object);
    object->meta = to_meta(facts);
    if (keep) store.put(task.key, object, cache_store::Keep::Anywhere);
    return object;
}

// Whoever waits is told; what is made in the background has the deadlines of its parts.
void ImageFill::late() {
    if (reading_) return give_up(http::LimitHit::ImageSourceTime, "upstream_timeout");
    if (wanted_.by_client()) give_up(http::LimitHit::ImageTotalTime, "processing_timeout");
}

// Not at once: the timer that is told this goes when we go.
void ImageFill::give_up(http::LimitHit limit, std::string_view code) {
    around_.fills.counters().limit_hit(limit);
    auto interest = std::make_shared<loop::Interest>();
    operation_ = loop::Operation(interest);
    around_.control.post([this, interest, limit, code] {
        interest->end(
            [&] { finish({.object = fail(ErrorKind::TimedOut, fmt::format("not within {}", http::name_of(limit)), code)}); });
    });
}

void ImageFill::finish(Filled filled) {
    operation_.cancel();
    deadline_.stop();
    filled.fill_time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started_);
    if (!kept_) filled.verdict = http::Verdict::Bypass;
    auto settle = std::move(settle_);
    settle(std::move(filled));  // drops us
}

}  // namespace selvage::representations
