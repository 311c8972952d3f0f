#include "transforms/worker/jobs.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <span>
#include <string>

#include "transforms/dialects/canonical.h"
#include "transforms/worker/mapped_source.h"
#include "transforms/worker/sandbox.h"

namespace selvage::transforms::worker {
namespace {

constexpr int kIdle = 1000;  // milliseconds without a job after which freed memory goes back to the system

void copy_text(std::span<char> field, std::string_view text) {
    std::ranges::fill(field, '\0');
    std::ranges::copy(text.substr(0, field.size() - 1), field.begin());
}

Result<Plan> plan_of(const Job& job) {
    if (job.plan_length > sizeof job.plan) return fail(ErrorKind::Internal, "plan is too long", "bad_job");
    const std::string_view text(job.plan, job.plan_length);
    // The server has applied its own limits; the engine checks sizes against those of the job.
    const auto request = parse_canonical(text, {.max_side = std::numeric_limits<std::uint32_t>::max(), .strict = true});
    if (!request) return fail(ErrorKind::Internal, "plan '" + std::string(text) + "': " + request.error().detail, "bad_job");
    if (!*request && !text.empty())
        return fail(ErrorKind::Internal, "plan '" + std::string(text) + "' asks for nothing", "bad_job");
    return *request ? (*request)->plan : Plan{};
}

Result<void> check(const Job& job) {
    if (static_cast<std::size_t>(job.format) >= kFormats.size()) return fail(ErrorKind::Internal, "no such format", "bad_job");
    if (job.quality > 100) return fail(ErrorKind::Internal, "quality above 100", "bad_job");
    return {};
}

// Resident memory of this process, read through a descriptor that was opened at the start.
class ResidentMemory {
public:
    ResidentMemory() : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

    std::uint64_t bytes() const {
        std::array<char, 128> text{};
        const ssize_t size = ::pread(statm_.number(), text.data(), text.size(), 0);
        const std::string_view line(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        const std::size_t second = std::min(line.find(' '), line.size() - 1) + 1;  // total, resident, … in pages
        std::uint64_t pages = 0;
        if (second < line.size()) std::from_chars(line.data() + second, line.data() + line.size(), pages);
        return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }

private:
    FileDescriptor statm_;
};

class Jobs {
public:
    Jobs(int socket, const Engine& engine) : socket_(socket), engine_(engine) {}

    int run() {
        if (!say_hello()) return 1;
        while (true) {
            wait();
            auto received = receive<Job>(socket_);
            if (!received) return received.error().code == "closed" ? 0 : complain(received.error());
            if (auto answered = answer(received->message, received->descriptor); !answered) return complain(answered.error());
        }
    }

private:
    Result<void> say_hello() const {
        Hello hello{};
        hello.version = kProtocolVersion;
        copy_text(hello.epoch, engine_.epoch());
        hello.can_load = engine_.can_load();
        hello.can_save = engine_.can_save();
        return send(socket_, hello);
    }

    void wait() const {
        pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, kIdle) != 0) return;
        ::malloc_trim(0);
        ::poll(&ready, 1, -1);
    }

    Result<void> answer(const Job& job, const FileDescriptor& source) {
        const std::uint64_t cpu_before = cpu_used();
        Done done{};
        FileDescriptor memory;
        if (auto made = make(job, source, done)) {
            memory = *std::move(made);
        } else {
            describe(made.error(), done);
        }
        done.id = job.id;
        done.cpu_us = static_cast<std::uint32_t>(cpu_used() - cpu_before);
        done.resident_bytes = memory_.bytes();
        done.jobs_done = ++jobs_done_;
        return deliver(done, memory.number());
    }

    // The output in sealed memory; what is known about it goes to `done`.
    Result<FileDescriptor> make(const Job& job, const FileDescriptor& source, Done& done) const {
        TRY(check(job));
        const Plan plan = TRY(plan_of(job));
        const MappedSource mapped = TRY(MappedSource::map(source.number(), job.source_size));
        limit_cpu(job.limits.cpu_seconds);
        const Output output = TRY(engine_.render(mapped.bytes(), plan, job.format, job.quality, job.limits));
        FileDescriptor memory = TRY(sealed_memory("selvage-output", output.bytes));
        describe(output, job.format, done);
        return memory;
    }

    static void describe(const Output& output, Format format, Done& done) {
        done.ok = true;
        done.output_size = output.bytes.size();
        done.format = format;
        done.source_width = output.source_width;
        done.source_height = output.source_height;
        done.frames = output.frames;
        done.width = output.width;
        done.height = output.height;
        done.decode_us = output.decode_us;
        done.operate_us = output.operate_us;
        done.encode_us = output.encode_us;
    }

    static void describe(const Error& error, Done& done) {
        done.ok = false;
        done.error = error.kind;
        copy_text(done.code, error.code);
        copy_text(done.detail, error.detail);
    }

    Result<void> deliver(const Done& done, int memory) const {
        auto sent = send(socket_, done, memory);
        if (sent || sent.error().code != "again") return sent;
        pollfd ready{.fd = socket_, .events = POLLOUT, .revents = 0};
        ::poll(&ready, 1, -1);
        return send(socket_, done, memory);
    }

    static int complain(const Error& error) {
        std::fprintf(stderr, "selvage-transform: %s\n", error.detail.c_str());
        return 1;
    }

    int socket_;
    const Engine& engine_;
    ResidentMemory memory_;
    std::uint32_t jobs_done_ = 0;
};

}  // namespace

int do_jobs(int socket, const Engine& engine) { return Jobs(socket, engine).run(); }

}  // namespace selvage::transforms::worker
