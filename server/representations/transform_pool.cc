#include "server/representations/transform_pool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <optional>

#include "server/loop/poll.h"
#include "server/loop/process.h"

namespace selvage::representations {

namespace worker = transforms::worker;

namespace {

constexpr auto kTick = std::chrono::milliseconds(250);    // deadlines of the queue, and who left it
constexpr auto kHelloTimeout = std::chrono::seconds(10);  // libvips' start, with room for a busy machine
constexpr auto kFirstBackoff = std::chrono::milliseconds(200);
constexpr auto kLongestBackoff = std::chrono::milliseconds(10'000);
constexpr unsigned kCrashesToRefuse = 2;
constexpr auto kRefusal = std::chrono::hours(1);  // protocol-and-limits §7
constexpr std::size_t kMostCrashes = 10'000;

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
    if (result.error().kind == ErrorKind::Overloaded) return http::Counter::TransformOverloaded;
    if (result.error().code == "worker_crashed") return http::Counter::TransformCrashed;
    return http::Counter::TransformRefused;
}

// The codes that a worker may use; the text from the wire becomes one of these literals.
std::string_view known_code(const char* text, std::size_t size) {
    static constexpr std::string_view kCodes[] = {"undecodable",  "source_pixels",      "too_many_frames", "too_large",
                                                  "empty_region", "unsupported_source", "format_disabled", "processing_timeout"};
    const std::string_view given(text, strnlen(text, size));
    const auto* found = std::ranges::find(kCodes, given);
    return found == std::end(kCodes) ? std::string_view{} : *found;
}

Error refusal(const worker::Done& done) {
    return Error{.kind = done.error,
                 .code = known_code(done.code, sizeof done.code),
                 .detail = std::string(done.detail, strnlen(done.detail, sizeof done.detail)),
                 .param = {},
                 .allowed = {}};
}

std::unexpected<Error> timed_out(std::string detail) {
    return fail(ErrorKind::TimedOut, std::move(detail), "processing_timeout");
}

}  // namespace

// One process and the job it has. Restarts its process by itself when that ends.
class TransformPool::Worker {
public:
    explicit Worker(TransformPool& pool) : pool_(pool), deadline_(pool.loop_, [this] { missed_deadline(); }) { spawn(); }
    ~Worker() { settle(fail(ErrorKind::Cancelled, "the server stops")); }

    bool ready() const { return state_ == State::Idle || state_ == State::Busy; }
    bool idle() const { return state_ == State::Idle; }
    bool busy() const { return state_ == State::Busy; }

    void take(Queued queued) {
        worker::Job message{};
        message.id = pool_.next_id_++;
        message.source_size = queued.job.source_size;
        message.original = queued.job.original;
        message.limits = limits();
        worker::add_order(message, queued.job.order, transforms::canonical(queued.job.order.plan));
        id_ = message.id;
        current_ = std::move(queued);
        state_ = State::Busy;
        deadline_.start(pool_.options_.limits.process_timeout);
        if (!worker::send(socket_.number(), message, current_->job.source.number())) {
            replace("cannot be written to", Blame::Nobody);
        }
    }

private:
    enum class State : std::uint8_t { Down, Starting, Idle, Busy };
    enum class Blame : std::uint8_t { Nobody, Source };

    worker::Limits limits() const {
        const config::Image& image = pool_.options_.limits;
        return {.source_pixels = image.source_pixels,
                .animation_pixels = image.animation_pixels,
                .output_pixels = image.output_pixels,
                .source_side = image.source_side,
                .output_side = image.output_side,
                .frames = image.frames,
                .cpu_seconds = static_cast<std::uint32_t>(image.worker_cpu.count())};
    }

    void spawn() {
        poll_.reset();
        process_.reset();
        socket_.reset();
        exit_expected_ = false;
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
            down(fmt::format("no socket: {}", std::strerror(errno)));
            return;
        }
        socket_ = FileDescriptor(ends[0]);
        FileDescriptor child(ends[1]);
        const int flags = ::fcntl(child.number(), F_GETFL);
        ::fcntl(child.number(), F_SETFL, flags & ~O_NONBLOCK);  // the worker waits for its next job
        const std::vector<std::string> arguments = {"--memory", std::to_string(pool_.options_.limits.worker_memory)};
        auto process = loop::Process::spawn(pool_.loop_, pool_.options_.program, arguments, std::move(child),
                                            [this](int status, int signal) { exited(status, signal); });
        if (!process) {
            down(process.error().detail);
            return;
        }
        process_ = std::move(*process);
        poll_ = std::make_unique<loop::Poll>(pool_.loop_, socket_.number(), [this] { readable(); });
        state_ = State::Starting;
        pool_.counters_.add(http::Counter::WorkerStarts);
        deadline_.start(kHelloTimeout);
    }

    void down(const std::string& why) {
        pool_.log_.error("transform", "worker cannot start: {}; again in {} ms", why, backoff_.count());
        stop_then_spawn_in(backoff_);
        backoff_ = std::min(backoff_ * 2, kLongestBackoff);
    }

    // What is left of the process is dropped by spawn(), outside of its own callbacks.
    void stop_then_spawn_in(std::chrono::milliseconds delay) {
        state_ = State::Down;
        if (poll_) poll_->stop();
        if (process_) process_->kill();
        deadline_.start(delay);
    }

    void readable() {
        switch (state_) {
            case State::Down:
                break;
            case State::Starting:
                hello();
                break;
            case State::Idle:
            case State::Busy:
                done();
                break;
        }
    }

    void hello() {
        const auto received = worker::receive<worker::Hello>(socket_.number());
        if (!received || received->message.version != worker::kProtocolVersion) {
            if (!received && received.error().code == "again") return;
            down(received ? "it is of another version" : received.error().detail);
            return;
        }
        deadline_.stop();
        backoff_ = kFirstBackoff;
        state_ = State::Idle;
        pool_.said_hello(received->message);
        pool_.dispatch();
    }

    void done() {
        auto received = worker::receive<worker::Done>(socket_.number());
        if (!received) {
            if (received.error().code == "again") return;
            // The exit that follows says why; without one the worker has lost its senses.
            poll_->stop();
            if (!exit_expected_) deadline_.start(std::chrono::milliseconds(500));
            exit_expected_ = true;
            return;
        }
        if (state_ != State::Busy || received->message.id != id_) {
            replace("answered what was not asked", Blame::Nobody);
            return;
        }
        deadline_.stop();
        const worker::Done message = received->message;
        state_ = State::Idle;
        const bool worn = message.jobs_done >= pool_.options_.limits.recycle_jobs ||
                          message.resident_bytes > pool_.options_.limits.recycle_memory;
        if (message.ok) {
            pool_.counters_.add(counter_of(message.format));
            pool_.counters_.observe(http::Duration::Transform,
                                    std::chrono::microseconds(message.decode_us + message.operate_us + message.encode_us));
            settle(TransformResult{.done = message, .output = std::move(received->descriptor)});
        } else {
            settle(std::unexpected(refusal(message)));
        }
        if (worn) restart();
        pool_.dispatch();
    }

    void missed_deadline() {
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
                    count_crash();
                    settle(timed_out(fmt::format("no result after {} ms", pool_.options_.limits.process_timeout.count())));
                    replace("missed its deadline", Blame::Nobody);
                }
                break;
            case State::Idle:
                replace("closed its socket", Blame::Nobody);
                break;
        }
    }

    void exited(int status, int signal) {
        if (state_ == State::Down) return;
        if (state_ == State::Starting) {
            down(fmt::format("it ended at once (status {}, signal {})", status, signal));
            return;
        }
        if (signal == SIGXCPU && current_) {
            count_crash();
            settle(timed_out("the CPU limit was reached"));
        }
        replace(fmt::format("ended (status {}, signal {})", status, signal), Blame::Source);
    }

    // The process is lost or not to be trusted: whoever waits gets an error, and another process takes its place.
    void replace(const std::string& why, Blame blame) {
        pool_.log_.warn("transform", "worker {} {}; replaced", process_ ? process_->id() : 0, why);
        pool_.counters_.add(http::Counter::WorkerRestarts);
        if (current_ && blame == Blame::Source) count_crash();
        settle(fail(ErrorKind::Internal, why, "worker_crashed"));
        restart();
    }

    void restart() { stop_then_spawn_in(std::chrono::milliseconds(0)); }

    void count_crash() {
        if (current_) pool_.crashed(current_->job.content);
    }

    void settle(Result<TransformResult> result) {
        if (!current_) return;
        Queued finished = std::move(*current_);
        current_.reset();
        if (result || result.error().kind != ErrorKind::Cancelled) pool_.counters_.add(outcome_of(result));
        finished.settle(std::move(result));
    }

    TransformPool& pool_;
    State state_ = State::Down;
    bool exit_expected_ = false;
    std::chrono::milliseconds backoff_ = kFirstBackoff;
    std::uint64_t id_ = 0;
    std::optional<Queued> current_;
    FileDescriptor socket_;
    loop::Timer deadline_;
    std::unique_ptr<loop::Process> process_;
    std::unique_ptr<loop::Poll> poll_;
};

TransformPool::TransformPool(loop::Loop& loop, Options options, http::Counters& counters, Log& log)
    : loop_(loop), options_(std::move(options)), counters_(counters), log_(log), queue_(options_.queue), tick_(loop, [this] {
          tick();
      }) {}

TransformPool::~TransformPool() = default;

void TransformPool::start(std::move_only_function<void()> ready) {
    ready_ = std::move(ready);
    for (unsigned i = 0; i < options_.workers; ++i) workers_.push_back(std::make_unique<Worker>(*this));
    tick_.repeat(kTick);
}

void TransformPool::set_limits(const config::Image& limits) { options_.limits = limits; }

std::size_t TransformPool::ready_workers() const {
    return static_cast<std::size_t>(std::ranges::count_if(workers_, [](const auto& worker) { return worker->ready(); }));
}

std::size_t TransformPool::busy_workers() const {
    return static_cast<std::size_t>(std::ranges::count_if(workers_, [](const auto& worker) { return worker->busy(); }));
}

void TransformPool::said_hello(const worker::Hello& hello) {
    epoch_.assign(hello.epoch, strnlen(hello.epoch, sizeof hello.epoch));
    if (ready_) std::exchange(ready_, nullptr)();
}

loop::Operation TransformPool::submit(TransformJob job, Done done) {
    auto interest = std::make_shared<loop::Interest>();
    // Never from within submit(): a refusal is settled in the next turn too.
    const auto refuse = [this, &interest](Done&& refused, std::unexpected<Error> error) {
        loop_.post([interest, refused = std::move(refused), error = std::move(error)]() mutable {
            interest->end([&] { refused(std::move(error)); });
        });
        return loop::Operation(interest);
    };
    if (poisoned(job.content)) {
        counters_.add(http::Counter::TransformRefused);
        return refuse(std::move(done), fail(ErrorKind::Unprocessable, "it crashed workers before", "poisoned_source"));
    }
    if (!queue_.has_room(job)) {
        counters_.limit_hit(http::LimitHit::ImageQueue);
        counters_.add(http::Counter::TransformOverloaded);
        return refuse(std::move(done), fail(ErrorKind::Overloaded, "the transform queue is full", "overloaded"));
    }
    auto displaced = queue_.push({std::move(job), std::move(done), interest, loop_.now()});
    if (displaced) {
        loop_.post(
            [this, queued = *std::move(displaced)]() mutable { overloaded(std::move(queued), "a client took its place"); });
    }
    loop_.post([this] { dispatch(); });
    return loop::Operation(std::move(interest));
}

void TransformPool::dispatch() {
    for (const auto& worker : workers_) {
        while (worker->idle() && !queue_.empty()) {
            Queued next = *queue_.next();
            if (next.unwanted()) {
                next.skip();
            } else {
                worker->take(std::move(next));
            }
        }
    }
}

// While all workers are busy: who has withdrawn waits only for being told so, and its place is another's.
void TransformPool::tick() {
    for (Queued& queued : queue_.take_unwanted()) queued.skip();
    for (Queued& late : queue_.take_older_than(loop_.now() - options_.limits.queue_timeout)) {
        overloaded(std::move(late), "waited too long for a transform worker");
    }
}

void TransformPool::overloaded(Queued queued, std::string why) {
    counters_.add(http::Counter::TransformOverloaded);
    queued.settle(fail(ErrorKind::Overloaded, std::move(why), "overloaded"));
}

bool TransformPool::poisoned(const Sha256& content) {
    const auto place = crashes_.find(content);
    if (place == crashes_.end()) return false;
    if (loop_.now() - place->second.last > kRefusal) {
        crashes_.erase(place);
        return false;
    }
    return place->second.count >= kCrashesToRefuse;
}

void TransformPool::crashed(const Sha256& content) {
    if (crashes_.size() >= kMostCrashes) crashes_.clear();
    Crashes& entry = crashes_[content];
    ++entry.count;
    entry.last = loop_.now();
}

}  // namespace selvage::representations
