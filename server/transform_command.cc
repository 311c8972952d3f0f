#include "server/transform_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "server/loop/loop.h"
#include "server/loop/timer.h"
#include "server/programs.h"
#include "server/progress.h"
#include "server/representations/transform_pool.h"
#include "server/transform_command_files.h"
#include "transforms/dialects/canonical.h"
#include "transforms/negotiation.h"
#include "transforms/probe.h"
#include "transforms/worker/protocol.h"

namespace selvage::server {

namespace {

using representations::TransformJob;
using representations::TransformResult;

// Nobody else waits for these processes, and the user can end us: what is slow is allowed to be.
constexpr std::chrono::seconds kPatience{600};
constexpr std::chrono::seconds kFirstHello{20};

std::string text_of(const Error& error) {
    if (error.code.empty() || error.detail.empty()) return std::string(error.code) + error.detail;
    return fmt::format("{}: {}", error.code, error.detail);
}

config::Image engine_limits() {
    config::Image limits;
    limits.worker_cpu = kPatience;
    limits.svg_cpu = kPatience;
    limits.process_timeout = kPatience;
    limits.queue_timeout = 2 * kPatience;
    limits.gather = std::chrono::milliseconds(0);  // one image of each source
    return limits;
}

// A key that is not known is a mistake here: nobody else's parameters are in what was typed.
Result<transforms::Plan> parse_query(std::string_view query) {
    if (query.starts_with('?')) query.remove_prefix(1);
    const transforms::DialectLimits limits{.strict = true};
    auto request = TRY(transforms::parse_canonical(query, limits));
    if (request) return request->plan;
    // Only what does nothing by itself, or nothing at all: the image in the format of OUT.
    request = TRY(transforms::parse_canonical(query.empty() ? std::string("fm=auto") : fmt::format("fm=auto&{}", query), limits));
    return request->plan;
}

// What fm=auto is without an Accept.
Result<transforms::Plan> with_format(transforms::Plan plan, const OutputPattern& output) {
    const auto said = output.format();
    if (plan.format && said && *said != *plan.format) {
        return fail(ErrorKind::BadRequest, fmt::format("OUT ends as {} does, but fm={}", transforms::row_of(*said).name,
                                                       transforms::row_of(*plan.format).name));
    }
    if (plan.auto_format) plan.format = said;
    plan.auto_format = false;
    return plan;
}

class Run {
public:
    Run(const TransformCommand& command, const transforms::Plan& plan, OutputPattern output, std::vector<SourceFile> sources)
        : command_(command),
          plan_(plan),
          output_(std::move(output)),
          sources_(std::move(sources)),
          workers_(std::min<unsigned>(command.jobs ? command.jobs : std::max(std::thread::hardware_concurrency(), 1U),
                                      static_cast<unsigned>(std::min<std::size_t>(sources_.size(), 1024)))),
          pool_(loop_,
                {.program = worker_program(),
                 .workers = workers_,
                 .queue = 4 * workers_,
                 .heavy_queue = 4 * workers_,
                 .limits = limits_},
                counters_, log_),
          start_(loop_, [this] { give_up("the worker processes do not start"); }),
          progress_(sources_.size()) {}

    int run() {
        if (::access(worker_program().c_str(), X_OK) != 0) {
            fmt::print(stderr, "selvage: {}: there is no such program\n", worker_program());
            return 1;
        }
        start_.start(kFirstHello);
        pool_.start([this] {
            start_.stop();
            go_on();
        });
        loop_.run();
        progress_.clear();
        if (!command_.quiet && !gave_up_) summarise();
        return failed_ > 0 || gave_up_ ? 1 : 0;
    }

private:
    // So many at once that no worker waits for us to read a file, and no more: each is in memory.
    void go_on() {
        while (next_ < sources_.size() && running_.size() < 2 * std::size_t{workers_}) begin(next_++);
        progress_.show(made_ + failed_, note());
        if (next_ == sources_.size() && running_.empty()) loop_.stop();
    }

    void begin(std::size_t number) {
        auto job = job_of(sources_[number], number);
        if (!job) return failed(number, job.error());
        running_[number] = pool_.submit(*std::move(job), [this, number](Result<TransformResult> result) {
            done(number, std::move(result));
            running_.erase(number);
            go_on();
        });
    }

    Result<TransformJob> job_of(const SourceFile& source, std::size_t number) {
        const std::string bytes = TRY(read_whole(source.path, limits_.source_bytes));
        const auto probe = transforms::probe(bytes);
        if (!probe) return fail(ErrorKind::Unsupported, "this is no image that is known here", "unsupported_source");
        TransformJob job;
        job.order = order_for(*probe);
        if (!output_.standard_output()) targets_[number] = TRY(claim_target(source, job.order.format));
        job.source = TRY(transforms::worker::sealed_memory("selvage-source", bytes));
        job.source_size = sizes_[number] = bytes.size();
        job.content = sha256(bytes);
        // The cost is left at nothing: there is one lane, and the order of the files.
        const auto claims = representations::claims_of(*probe, bytes.size());
        job.cost.memory = representations::transform_cost(claims, job.order, claims.pixels).memory;
        job.name = source.path;
        job.drawing = probe->format == transforms::Format::Svg;
        return job;
    }

    transforms::Order order_for(const transforms::Probe& probe) const {
        transforms::Order order{.plan = plan_};
        order.format =
            transforms::choose_format(plan_, {}, {.format = probe.format, .animated = probe.animated, .alpha = probe.alpha}, {});
        order.quality = transforms::effective_quality(plan_, order.format, {});
        if (plan_.target && order.quality != 0) order.target = static_cast<unsigned>(*plan_.target);
        order.effort = command_.fast ? transforms::ImageEffort::Fast : transforms::ImageEffort::Best;
        return order;
    }

    // Before the work, what can be known before it.
    Result<std::string> claim_target(const SourceFile& source, transforms::Format format) {
        std::string path = output_.path_for(source, format);
        std::error_code error;
        if (!command_.force && std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
            return fail(ErrorKind::Forbidden, fmt::format("{} exists; --force replaces it", path));
        }
        const auto [claimed, is_new] = claimed_.emplace(path, source.path);
        if (!is_new) return fail(ErrorKind::Forbidden, fmt::format("{} is already made of {}", path, claimed->second));
        return path;
    }

    void done(std::size_t number, Result<TransformResult> result) {
        if (!result) return failed(number, result.error());
        const auto& facts = result->done;
        cpu_us_ += facts.cpu_us;
        const auto bytes = transforms::worker::read_sealed(result->output.number(), facts.output_size);
        if (!bytes) return failed(number, bytes.error());
        if (const auto written = write(number, *bytes); !written) return failed(number, written.error());
        ++made_;
        before_ += sizes_.at(number);
        after_ += bytes->size();
    }

    Result<void> write(std::size_t number, std::string_view bytes) {
        if (!output_.standard_output()) {
            return write_whole(targets_.at(number), bytes, command_.force ? Existing::Replace : Existing::Keep);
        }
        if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0) return {};
        return fail(ErrorKind::Internal, "standard output takes no more");
    }

    void failed(std::size_t number, const Error& error) {
        ++failed_;
        progress_.clear();
        fmt::print(stderr, "selvage: {}: {}\n", sources_[number].path, text_of(error));
    }

    void give_up(const char* why) {
        gave_up_ = true;
        fmt::print(stderr, "selvage: {}\n", why);
        loop_.stop();
    }

    std::string note() const { return fmt::format("{} → {}", bytes_text(before_), bytes_text(after_)); }

    void summarise() const {
        const double seconds = progress_.elapsed().count();
        fmt::print(output_.standard_output() ? stderr : stdout, "{} {} made{}, {}, {:.1f} s ({:.1f} s CPU)\n", made_,
                   made_ == 1 ? "image" : "images", failed_ ? fmt::format(", {} not", failed_) : "", note(), seconds,
                   static_cast<double>(cpu_us_) / 1e6);
    }

    const TransformCommand& command_;
    const transforms::Plan plan_;
    const OutputPattern output_;
    const std::vector<SourceFile> sources_;
    const unsigned workers_;
    const config::Image limits_ = engine_limits();
    loop::Loop loop_;
    http::Counters counters_;
    Log log_{STDERR_FILENO, LogLevel::Error};
    representations::TransformPool pool_;
    loop::Timer start_;
    Progress progress_;
    std::unordered_map<std::size_t, std::string> targets_;
    std::unordered_map<std::size_t, std::uint64_t> sizes_;
    std::unordered_map<std::string, std::string> claimed_;  // what will be written → of which source
    std::unordered_map<std::size_t, loop::Operation> running_;
    std::size_t next_ = 0, made_ = 0, failed_ = 0;
    std::uint64_t before_ = 0, after_ = 0, cpu_us_ = 0;
    bool gave_up_ = false;
};

int refuse(const Error& error) {
    fmt::print(stderr, "selvage: {}\n", text_of(error));
    return 2;
}

}  // namespace

int run_transform_command(const TransformCommand& command) {
    auto plan = parse_query(command.query);
    if (!plan) return refuse(plan.error());
    auto sources = find_sources(command.inputs, command.recursive ? Folders::Recursive : Folders::Flat);
    if (!sources) return refuse(sources.error());
    const bool several = sources->size() > 1 || std::ranges::any_of(*sources, &SourceFile::listed);
    auto output = OutputPattern::parse(command.output, several);
    if (!output) return refuse(output.error());
    plan = with_format(*plan, *output);
    if (!plan) return refuse(plan.error());
    if (sources->empty()) {
        fmt::print(stderr, "selvage: there is no image in what was named\n");
        return 1;
    }
    return Run(command, *plan, *std::move(output), *std::move(sources)).run();
}

}  // namespace selvage::server
