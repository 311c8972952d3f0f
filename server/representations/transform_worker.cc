#include "server/representations/transform_worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <utility>

#include "server/representations/transform_answer.h"

namespace selvage::representations {

namespace worker = transforms::worker;

namespace {

constexpr auto kHelloTimeout = std::chrono::seconds(10);  // libvips' start, with room for a busy machine
constexpr auto kFirstBackoff = std::chrono::milliseconds(200);
constexpr auto kLongestBackoff = std::chrono::milliseconds(10'000);
constexpr auto kToExit = std::chrono::milliseconds(500);  // between the end of the socket and that of the process

http::Counter counter_of(transforms::Format format) {
    switch (format) {
        case transforms::Format::Png:
            return http::Counter::TransformPng;
        case transforms::Format::Webp:
            return http::Counter::TransformWebp;
        case transforms::Format::Avif:
            return http::Counter::TransformAvif;
        case transforms::Format::Gif:
            return http::Counter::TransformGif;
        case transforms::Format::Jpeg:
        case transforms::Format::Tiff:
        case transforms::Format::Svg:
        case transforms::Format::Heic:
        case transforms::Format::Bmp:
        case transforms::Format::Jxl:
            break;
    }
    return http::Counter::TransformJpeg;
}

http::Counter outcome_of(const Result<TransformResult>& result) {
    if (result) return http::Counter::TransformOk;
    if (result.error().kind == ErrorKind::TimedOut) return http::Counter::TransformTimedOut;
    if (result.error().code == "worker_crashed") return http::Counter::TransformCrashed;
    return http::Counter::TransformRefused;
}

std::string ended_how(int status, int signal) {
    if (signal == SIGSYS) return "was killed by its sandbox: it tried what it must not";
    return signal != 0 ? fmt::format("ended by signal {} ({})", signal, ::strsignal(signal))
                       : fmt::format("ended with status {}", status);
}

}  // namespace

TransformWorker::TransformWorker(Surroundings around, Owner& owner)
    : around_(around), owner_(owner), backoff_(kFirstBackoff), deadline_(around.loop, [this] { timer_ran(); }) {
    spawn();
}

TransformWorker::~TransformWorker() {
    for (; at_ < batch_.entries.size(); ++at_) {
        batch_.entries[at_].settle(fail(ErrorKind::Cancelled, "the server stops"));
    }
}

std::chrono::microseconds TransformWorker::remaining(SteadyTime now) const {
    const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(now - begun_);
    return busy() ? std::max(batch_.cost - spent, std::chrono::microseconds(0)) : std::chrono::microseconds(0);
}

void TransformWorker::take(TransformQueue::Batch batch) {
    const worker::Job message = message_for(batch);
    batch_ = std::move(batch);
    at_ = 0;
    begun_ = around_.loop.now();
    state_ = State::Busy;
    deadline_.start(around_.limits.process_timeout);
    if (batch_.entries.size() > 1) {
        around_.counters.add(http::Counter::TransformBatches);
        around_.counters.add(http::Counter::TransformBatchedOrders, batch_.entries.size());
    }
    if (worker::send(socket_.number(), message, batch_.entries.front().job.source.number())) return;
    auto entries = std::exchange(batch_, {}).entries;  // it has not begun any
    replace("cannot be written to", Blame::Nobody);
    owner_.put_back(std::move(entries));
}

// What does not fit into one message is put back.
worker::Job TransformWorker::message_for(TransformQueue::Batch& batch) {
    worker::Job message{};
    const TransformJob& first = batch.entries.front().job;
    message.id = ++id_;
    message.source_size = first.source_size;
    message.original = first.original;
    message.limits = job_limits();
    if (first.drawing) message.limits.cpu_seconds = static_cast<std::uint32_t>(around_.limits.svg_cpu.count());
    const auto left = std::ranges::find_if_not(batch.entries, [&](const Entry& entry) {
        return worker::add_order(message, entry.job.order, transforms::canonical(entry.job.order.plan));
    });
    if (left != batch.entries.end()) {
        owner_.put_back({std::move_iterator(left), std::move_iterator(batch.entries.end())});
        batch.entries.erase(left, batch.entries.end());
    }
    return message;
}

worker::Limits TransformWorker::job_limits() const {
    const config::Image& image = around_.limits;
    return {.source_pixels = image.source_pixels,
            .animation_pixels = image.animation_pixels,
            .output_pixels = image.output_pixels,
            .animation_output_pixels = image.animation_output_pixels,
            .upscale_pixels = image.upscale_pixels,
            .source_side = image.source_side,
            .output_side = image.output_side,
            .upscale = image.upscale,
            .frames = image.frames,
            .svg_elements = image.svg_elements,
            .svg_bytes = image.svg_bytes,
            .cpu_seconds = static_cast<std::uint32_t>(image.worker_cpu.count())};
}

void TransformWorker::spawn() {
    poll_.reset();
    process_.reset();
    socket_.reset();
    exit_expected_ = false;
    previous_.reset();
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        down(fmt::format("no socket: {}", std::strerror(errno)));
        return;
    }
    socket_ = FileDescriptor(ends[0]);
    FileDescriptor child(ends[1]);
    const int flags = ::fcntl(child.number(), F_GETFL);
    ::fcntl(child.number(), F_SETFL, flags & ~O_NONBLOCK);  // the worker waits for its next job
    const std::vector<std::string> arguments = {"--memory", std::to_string(around_.limits.worker_memory)};
    auto process = loop::Process::spawn(around_.loop, around_.program, arguments, std::move(child),
                                        [this](int status, int signal) { exited(status, signal); });
    if (!process) {
        down(process.error().detail);
        return;
    }
    process_ = std::move(*process);
    poll_ = std::make_unique<loop::Poll>(around_.loop, socket_.number(), [this] { readable(); });
    state_ = State::Starting;
    around_.counters.add(http::Counter::WorkerStarts);
    deadline_.start(kHelloTimeout);
}

void TransformWorker::down(const std::string& why) {
    around_.log.error("transform", "worker cannot start: {}; again in {} ms", why, backoff_.count());
    stop_then_spawn_in(backoff_);
    backoff_ = std::min(backoff_ * 2, kLongestBackoff);
}

// What is left of the process is dropped by spawn(), outside of its own callbacks.
void TransformWorker::stop_then_spawn_in(std::chrono::milliseconds delay) {
    state_ = State::Down;
    if (poll_) poll_->stop();
    if (process_) process_->kill();
    deadline_.start(delay);
}

void TransformWorker::readable() {
    switch (state_) {
        case State::Down:
            break;
        case State::Starting:
            hello();
            break;
        case State::Idle:
        case State::Busy:
            answered();
            break;
    }
}

void TransformWorker::hello() {
    const auto received = worker::receive<worker::Hello>(socket_.number());
    if (!received || received->message.version != worker::kProtocolVersion) {
        if (!received && received.error().code == "again") return;
        down(received ? "it is of another version" : received.error().detail);
        return;
    }
    deadline_.stop();
    backoff_ = kFirstBackoff;
    state_ = State::Idle;
    owner_.said_hello(received->message);
}

void TransformWorker::answered() {
    auto received = worker::receive<worker::Done>(socket_.number());
    if (!received) return lost_its_senses(received.error());
    const worker::Done& done = received->message;
    if (state_ != State::Busy || done.id != id_) return answered_again(done.id);
    const auto checked = check_answer(done, received->descriptor.number(), static_cast<std::uint32_t>(at_),
                                      batch_.entries[at_].job.order, around_.limits);
    if (!checked) {
        replace(checked.error().detail, Blame::Source);
        return;
    }
    accept(done, std::move(received->descriptor));
}

// What it still says of the batch before is that one's doing: what it has been given meanwhile is put back, each alone.
void TransformWorker::answered_again(std::uint64_t id) {
    const bool of_previous = previous_ && (state_ == State::Idle ? id == id_ : id + 1 == id_);
    if (!of_previous) return replace("answered what was not asked", Blame::Source);
    std::vector<Entry> entries = std::exchange(batch_, {}).entries;
    std::erase_if(entries, [](const Entry& entry) { return entry.interest == nullptr; });  // answered
    for (Entry& entry : entries) entry.alone = true;
    owner_.blame(previous_->content, previous_->name);
    previous_.reset();
    replace("answered twice", Blame::Nobody);
    if (!entries.empty()) owner_.put_back(std::move(entries));
}

// Nothing could be read. The exit that follows says why; without one the worker has lost its senses.
void TransformWorker::lost_its_senses(const Error& error) {
    if (error.code == "again") return;
    if (error.code != "closed") {
        replace("says what is no answer: " + error.detail, Blame::Source);
        return;
    }
    poll_->stop();
    if (!exit_expected_) deadline_.start(kToExit);
    exit_expected_ = true;
}

void TransformWorker::accept(const worker::Done& done, FileDescriptor output) {
    Entry entry = std::move(batch_.entries[at_++]);
    const bool last = at_ == batch_.entries.size();
    if (last) {
        previous_ = {.content = entry.job.content, .name = entry.job.name};
        batch_ = {};
        at_ = 0;
        deadline_.stop();
        state_ = State::Idle;
        recycle_when_due(done);
    } else {
        deadline_.start(around_.limits.process_timeout);
    }
    if (last) owner_.is_free();
    count_limit(limit_of(done));
    if (done.ok == 0) return settle(std::move(entry), std::unexpected(refusal(done)));
    around_.counters.add(counter_of(done.format));
    around_.counters.observe(http::Duration::Transform,
                             std::chrono::microseconds(std::uint64_t{done.decode_us} + done.operate_us + done.encode_us));
    settle(std::move(entry), TransformResult{.done = done, .output = std::move(output)});
}

void TransformWorker::recycle_when_due(const worker::Done& done) {
    using enum http::LimitHit;
    const bool jobs = done.jobs_done >= around_.limits.recycle_jobs;
    if (!jobs && done.resident_bytes <= around_.limits.recycle_memory) return;
    count_limit(jobs ? ImageRecycleJobs : ImageRecycleMemory);
    restart();
}

void TransformWorker::count_limit(http::LimitHit limit) {
    if (limit != http::LimitHit::kCount) around_.counters.limit_hit(limit);
}

void TransformWorker::timer_ran() {
    switch (state_) {
        case State::Down:
            spawn();
            break;
        case State::Starting:
            down("it did not say hello in time");
            break;
        case State::Busy:
            if (exit_expected_) {
                replace("closed its socket", Blame::Source);
            } else {
                out_of_time(http::LimitHit::ImageProcessTime,
                            fmt::format("has no result after {} ms", around_.limits.process_timeout.count()));
            }
            break;
        case State::Idle:
            replace("closed its socket", Blame::Nobody);
            break;
    }
}

void TransformWorker::exited(int status, int signal) {
    if (state_ == State::Down) return;
    if (state_ == State::Starting) {
        down(fmt::format("it {} at once", ended_how(status, signal)));
    } else if (signal == SIGXCPU && busy()) {
        const bool drawing = batch_.entries.front().job.drawing;
        out_of_time(drawing ? http::LimitHit::ImageSvgCpu : http::LimitHit::ImageWorkerCpu, "has used up its CPU time");
    } else {
        replace(ended_how(status, signal), Blame::Source);
    }
}

void TransformWorker::out_of_time(http::LimitHit limit, const std::string& why) {
    count_limit(limit);
    around_.log.warn("transform", "worker {} {} at {}; replaced", process_->id(), why, batch_.entries[at_].job.name);
    around_.counters.add(http::Counter::WorkerRestarts);
    restart();
    give_up(fail(ErrorKind::TimedOut, "the worker " + why, "processing_timeout").error(), Blame::Source);
}

// The process is lost or not to be trusted: another takes its place.
void TransformWorker::replace(const std::string& why, Blame blame) {
    const std::string at = busy() && at_ < batch_.entries.size() ? " at " + batch_.entries[at_].job.name : "";
    around_.log.warn("transform", "worker {} {}{}; replaced", process_ ? process_->id() : 0, why, at);
    around_.counters.add(http::Counter::WorkerRestarts);
    restart();
    give_up(fail(ErrorKind::Internal, "the worker " + why, "worker_crashed").error(), blame);
}

// Who waits for what was being made gets the error; what had not begun is put back, each alone, so that it is clear whose fault
// it is should a worker be lost again.
void TransformWorker::give_up(const Error& error, Blame blame) {
    std::vector<Entry> entries = std::exchange(batch_, {}).entries;
    const std::size_t at = std::exchange(at_, 0);
    if (at >= entries.size()) return;
    Entry failed = std::move(entries[at]);
    if (blame == Blame::Source) owner_.blame(failed.job.content, failed.job.name);
    std::vector<Entry> rest(std::move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(at) + 1),
                            std::move_iterator(entries.end()));
    for (Entry& entry : rest) entry.alone = true;
    if (!rest.empty()) owner_.put_back(std::move(rest));
    settle(std::move(failed), std::unexpected(error));
}

void TransformWorker::settle(Entry entry, Result<TransformResult> result) {
    if (result || result.error().kind != ErrorKind::Cancelled) around_.counters.add(outcome_of(result));
    entry.settle(std::move(result));
}

}  // namespace selvage::representations
