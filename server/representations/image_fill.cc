#include "server/representations/image_fill.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/representations/stored_file.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

namespace worker = transforms::worker;

ImageFill::ImageFill(Surroundings surroundings, ImageTask task, Wanted wanted, Settle settle)
    : around_(surroundings),
      task_(std::make_shared<const ImageTask>(std::move(task))),
      wanted_(std::move(wanted)),
      settle_(std::move(settle)) {}

void ImageFill::start() {
    started_ = std::chrono::steady_clock::now();
    operation_ = around_.pool.submit(
        around_.control, loop::WorkPool::Lane::Now,
        [&store = around_.store, task = task_, wanted = wanted_]() -> Result<Prepared> {
            if (!wanted()) return fail(ErrorKind::Cancelled, "nobody waits for it any more");
            return prepare(store, *task);
        },
        [this](Result<Prepared> input) { prepared(std::move(input)); });
}

Result<ImageFill::Prepared> ImageFill::prepare(cache_store::Store& store, const ImageTask& task) {
    Prepared input;
    if (task.keep) input.stored = look_up(store, task);
    if (input.stored) return input;
    // The bytes are checked against the source's hash and copied into sealed memory: the file may change while a worker reads it.
    const std::string content = TRY(task.catalogue->read(*task.source));
    input.size = content.size();
    input.memory = TRY(worker::sealed_memory("selvage-source", content));
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
    if (stale && task.remake) return std::nullopt;
    if (stale) filled.verdict = http::Verdict::Stale;
    return filled;
}

void ImageFill::prepared(Result<Prepared> input) {
    if (!input) return finish({.object = std::unexpected(std::move(input.error()))});
    if (input->stored) return finish(*std::move(input->stored));
    TransformJob job;
    job.source = std::move(input->memory);
    job.source_size = input->size;
    job.content = task_->source->content;
    job.order = task_->order;
    job.cost = task_->cost;
    job.wanted = wanted_;
    operation_ =
        around_.transforms.submit(std::move(job), [this](Result<TransformResult> result) { transformed(std::move(result)); });
}

// What a worker has made is kept, wanted or not: it has been paid for. What is not to be kept needs somebody who wants it.
void ImageFill::transformed(Result<TransformResult> result) {
    if (!result) return finish({.object = std::unexpected(std::move(result.error()))});
    if (!task_->keep && !wanted_()) return finish({.object = fail(ErrorKind::Cancelled, "nobody waits for it any more")});
    operation_ = around_.pool.submit(
        around_.control, loop::WorkPool::Lane::Now,
        [&store = around_.store, task = task_, output = std::move(*result)] { return adopt(store, *task, output); },
        [this](Result<cache_store::ObjectPtr> object) { finish({.object = std::move(object)}); });
}

Result<cache_store::ObjectPtr> ImageFill::adopt(cache_store::Store& store, const ImageTask& task, const TransformResult& result) {
    std::string bytes = TRY(worker::read_sealed(result.output.number(), result.done.output_size));
    Facts facts;
    facts.media_type = transforms::row_of(result.done.format).media_type;
    facts.etag = etag_text(sha256(bytes));
    facts.width = result.done.width;
    facts.height = result.done.height;
    facts.source_width = result.done.source_width;
    facts.source_height = result.done.source_height;
    facts.interim = !transforms::is_final(result.done.format, result.done.effort);
    facts.quality = result.done.quality;
    facts.score = static_cast<unsigned>(std::max(0.0F, result.done.score) * 100);
    facts.made_for = fmt::format("{}?{}", task.source->path, transforms::canonical(task.order.plan));
    auto object = std::make_shared<const cache_store::Object>(cache_store::Object{
        .meta = to_meta(facts),
        .body = make_blob(std::move(bytes)),
        .cost_ms = result.done.cpu_us / 1000,
        .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
        .birth = task.birth,
        .tags = {cache_store::source_tag(task.source->content)},
    });
    if (task.keep) store.put(task.key, object, cache_store::Keep::Anywhere);
    return object;
}

void ImageFill::finish(Filled filled) {
    filled.fill_time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started_);
    if (!task_->keep) filled.verdict = http::Verdict::Bypass;
    auto settle = std::move(settle_);
    settle(std::move(filled));  // drops us
}

}  // namespace selvage::representations
