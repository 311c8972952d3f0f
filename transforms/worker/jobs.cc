#include "transforms/worker/jobs.h"

#include <malloc.h>
#include <poll.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "transforms/dialects/canonical.h"
#include "transforms/worker/mapped_source.h"
#include "transforms/worker/own_words.h"
#include "transforms/worker/sandbox_limits.h"

namespace selvage::transforms::worker {
namespace {

constexpr int kIdle = 1000;  // milliseconds without a job after which freed memory goes back to the system
// Bytes resident, 45 MB of libraries among them, above which it goes back at once: what one job freed is of little use to the
// next where that is another kind of job, and is held twice.
constexpr std::uint64_t kMostKept = 112 << 20;

void copy_text(std::span<char> field, std::string_view text) {
    std::ranges::fill(field, '\0');
    std::ranges::copy(text.substr(0, field.size() - 1), field.begin());
}

std::unexpected<Error> bad_job(std::string why) { return fail(ErrorKind::Internal, std::move(why), "bad_job"); }

Result<Plan> plan_of(std::string_view text) {
    // The server has applied its own limits; the engine checks sizes against those of the job.
    const auto request = parse_canonical(text, {.max_side = std::numeric_limits<std::uint32_t>::max(), .strict = true});
    if (!request) return bad_job("plan '" + std::string(text) + "': " + request.error().detail);
    if (!*request && !text.empty()) return bad_job("plan '" + std::string(text) + "' asks for nothing");
    return *request ? (*request)->plan : Plan{};
}

Result<Order> order_of(const Job& job, const WireOrder& wire) {
    if (static_cast<std::size_t>(wire.format) >= kFormats.size()) return bad_job("no such format");
    if (wire.quality > 100 || wire.target > 100) return bad_job("quality above 100");
    if (wire.effort > ImageEffort::Best) return bad_job("no such effort");
    if (std::size_t{wire.plan_begin} + wire.plan_length > sizeof job.plans) return bad_job("plan is too long");
    return Order{.plan = TRY(plan_of({job.plans + wire.plan_begin, wire.plan_length})),
                 .format = wire.format,
                 .quality = wire.quality,
                 .target = wire.target,
                 .effort = wire.effort,
                 .full_chroma = wire.full_chroma};
}

Result<std::vector<Order>> orders_of(const Job& job) {
    if (job.order_count == 0 || job.order_count > kMostOrders) return bad_job("no orders, or too many");
    std::vector<Order> orders;
    for (const WireOrder& wire : std::span(job.orders).first(job.order_count)) orders.push_back(TRY(order_of(job, wire)));
    return orders;
}

class Jobs {
public:
    Jobs(int socket, const Engine& engine, const ResidentMemory& memory) : socket_(socket), engine_(engine), memory_(memory) {}

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
        if (memory_.bytes() > kMostKept) ::malloc_trim(0);
        pollfd ready{.fd = socket_, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, kIdle) != 0) return;
        ::malloc_trim(0);
        ::poll(&ready, 1, -1);
    }

    // One Done for each order. Errors: the socket is gone.
    Result<void> answer(const Job& job, const FileDescriptor& source) {
        cpu_before_ = cpu_used();
        Result<void> delivered;
        const auto deliver = [&](std::size_t order, Result<Output> output) {
            if (delivered) delivered = deliver_one(job, order, std::move(output));
        };
        if (auto made = make(job, source, deliver); !made) {
            for (std::size_t order = 0; order < std::max<std::size_t>(job.order_count, 1) && order < kMostOrders; ++order) {
                deliver(order, std::unexpected(made.error()));
            }
        }
        return delivered;
    }

    // Errors: the job cannot be begun.
    Result<void> make(const Job& job, const FileDescriptor& source, const Engine::Deliver& deliver) const {
        const std::vector<Order> orders = TRY(orders_of(job));
        const MappedSource mapped = TRY(MappedSource::map(source.number(), job.source_size));
        limit_cpu(job.limits.cpu_seconds);
        engine_.render(mapped.bytes(), job.original, orders, job.limits, deliver);
        return {};
    }

    // The output in sealed memory, and what is known about it.
    Result<void> deliver_one(const Job& job, std::size_t order, Result<Output> output) {
        Done done{};
        FileDescriptor memory;
        auto sealed = output ? sealed_memory("selvage-output", output->bytes) : std::unexpected(std::move(output.error()));
        if (sealed) {
            memory = *std::move(sealed);
            describe(*output, job.orders[order], done);
        } else {
            describe(sealed.error(), done);
        }
        done.id = job.id;
        done.order = static_cast<std::uint32_t>(order);
        const std::uint64_t cpu_now = cpu_used();
        done.cpu_us = static_cast<std::uint32_t>(cpu_now - std::exchange(cpu_before_, cpu_now));
        done.resident_bytes = memory_.bytes();
        if (order + 1 < job.order_count) {
            limit_cpu(job.limits.cpu_seconds);  // as much again for the next one
        } else {
            ++jobs_done_;
        }
        done.jobs_done = jobs_done_;
        return deliver_message(done, memory.number());
    }

    static void describe(const Output& output, const WireOrder& order, Done& done) {
        done.ok = true;
        done.output_size = output.bytes.size();
        done.format = order.format;
        done.quality = static_cast<std::uint8_t>(output.quality);
        done.effort = order.effort;
        done.enlarged = output.enlarged;
        done.score = static_cast<float>(output.score);
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

    Result<void> deliver_message(const Done& done, int memory) const {
        for (;;) {  // until the server's deadline, which ends this process
            auto sent = send(socket_, done, memory);
            if (sent || sent.error().code != "again") return sent;
            pollfd ready{.fd = socket_, .events = POLLOUT, .revents = 0};
            ::poll(&ready, 1, -1);
            ::poll(nullptr, 0, 1);  // ms: a socket that is ready refuses as well, while others' descriptors are on their way
        }
    }

    static int complain(const Error& error) {
        say("job", error.detail);
        return 1;
    }

    int socket_;
    const Engine& engine_;
    const ResidentMemory& memory_;
    std::uint32_t jobs_done_ = 0;
    std::uint64_t cpu_before_ = 0;  // used before this order
};

}  // namespace

int do_jobs(int socket, const Engine& engine, const ResidentMemory& memory) { return Jobs(socket, engine, memory).run(); }

}  // namespace selvage::transforms::worker
