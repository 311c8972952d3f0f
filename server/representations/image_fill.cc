#include "server/representations/image_fill.h"

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
    if (task.keep && store.on_disk(task.key)) {
        input.stored = store.fetch(task.key);
        if (input.stored) return input;
    }
    // The bytes are checked against the source's hash and copied into sealed memory: the file may change while a worker reads it.
    const std::string content = TRY(task.catalogue->read(*task.source));
    input.size = content.size();
    input.memory = TRY(worker::sealed_memory("selvage-source", content));
    return input;
}

void ImageFill::prepared(Result<Prepared> input) {
    if (!input) return finish(std::unexpected(std::move(input.error())), http::Verdict::Miss);
    if (input->stored) return finish(std::move(input->stored), http::Verdict::DiskHit);
    TransformJob job;
    job.source = std::move(input->memory);
    job.source_size = input->size;
    job.content = task_->source->content;
    job.plan = task_->plan;
    job.format = task_->format;
    job.quality = task_->quality;
    job.wanted = wanted_;
    operation_ =
        around_.transforms.submit(std::move(job), [this](Result<TransformResult> result) { transformed(std::move(result)); });
}

void ImageFill::transformed(Result<TransformResult> result) {
    if (!result) return finish(std::unexpected(std::move(result.error())), http::Verdict::Miss);
    operation_ = around_.pool.submit(
        around_.control, loop::WorkPool::Lane::Now,
        [&store = around_.store, task = task_, output = std::move(*result)] { return adopt(store, *task, output); },
        [this](Result<cache_store::ObjectPtr> object) {
            if (object && task_->keep) {
                around_.pool.detach(loop::WorkPool::Lane::Now,
                                    [&store = around_.store, key = task_->key, kept = *object] { store.store(key, *kept); });
            }
            finish(std::move(object), http::Verdict::Miss);
        });
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
    auto object = std::make_shared<const cache_store::Object>(cache_store::Object{
        .meta = to_meta(facts),
        .body = make_blob(std::move(bytes)),
        .cost_ms = result.done.cpu_us / 1000,
        .source = task.source->content,
        .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
    });
    if (task.keep) store.put(task.key, object);
    return object;
}

void ImageFill::finish(Result<cache_store::ObjectPtr> object, http::Verdict verdict) {
    const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started_);
    auto settle = std::move(settle_);
    settle({std::move(object), task_->keep ? verdict : http::Verdict::Bypass, spent});  // drops us
}

}  // namespace selvage::representations
