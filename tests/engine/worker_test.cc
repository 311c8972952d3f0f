#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/engine/pictures.h"
#include "transforms/worker/protocol.h"

namespace selvage::transforms::worker {
namespace {

using test::kLimits;
using test::quadrants;
using test::saved;
using test::Seen;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // g++
constexpr bool kSanitized = true;
#elif defined(__has_feature)  // clang
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

// The program, with the other end of its socket. Killed when the test ends.
class Program {
public:
    explicit Program(const char* memory = nullptr) {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        socket_ = FileDescriptor(ends[0]);
        process_ = ::fork();
        if (process_ == 0) run(ends[1], memory);
        ::close(ends[1]);
    }
    ~Program() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    pid_t process() const { return process_; }
    int socket() const { return socket_.number(); }
    void hang_up() { socket_.reset(); }

    template <typename Message>
    Result<Received<Message>> hear() const {
        pollfd ready{.fd = socket_.number(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&ready, 1, 60'000) == 1);
        return receive<Message>(socket_.number());
    }

    Result<Received<Done>> ask(const Job& job, int descriptor) const {
        REQUIRE(send(socket_.number(), job, descriptor));
        return hear<Done>();
    }

    // The status that wait gives, once it has ended by itself.
    int ended() {
        int status = -1;
        ::waitpid(process_, &status, 0);
        process_ = -1;
        return status;
    }

    std::string proc(const std::string& file) const {
        std::ifstream in("/proc/" + std::to_string(process_) + "/" + file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    [[noreturn]] static void run(int end, const char* memory) {
        ::dup2(end, kSocket);
        ::fcntl(kSocket, F_SETFD, 0);
        memory == nullptr ? ::execl(SELVAGE_WORKER, "selvage-transform", nullptr)
                          : ::execl(SELVAGE_WORKER, "selvage-transform", "--memory", memory, nullptr);
        ::_exit(127);
    }

    FileDescriptor socket_;
    pid_t process_ = -1;
};

Job job_for(std::string_view source, std::string_view plan, Format format, std::uint8_t quality = 70) {
    Job job{};
    job.id = 7;
    job.source_size = source.size();
    job.limits = kLimits;
    REQUIRE(add_order(job, {.format = format, .quality = quality}, plan));
    return job;
}

Received<Done> done(const Program& program, std::string_view source, std::string_view plan, Format format) {
    const FileDescriptor memory = sealed_memory("source", source).value();
    auto answer = program.ask(job_for(source, plan, format), memory.number());
    REQUIRE(answer);
    return *std::move(answer);
}

}  // namespace

SCENARIO("a worker introduces itself, does jobs, and goes when the server goes") {
    Program program;
    const auto hello = program.hear<Hello>();
    REQUIRE(hello);
    CHECK(hello->message.version == kProtocolVersion);
    CHECK(hello->message.epoch == test::engine().epoch());
    CHECK(hello->message.can_save == test::engine().can_save());
    CHECK(hello->message.can_load == test::engine().can_load());

    const std::string source = saved(quadrants(200, 100), ".png");
    for (std::uint32_t turn = 1; turn <= 3; ++turn) {
        const auto answer = done(program, source, "w=50&fm=auto", Format::Webp);
        CHECK(answer.message.ok);
        CHECK(answer.message.id == 7);
        CHECK(answer.message.format == Format::Webp);
        CHECK(answer.message.width == 50);
        CHECK(answer.message.height == 25);
        CHECK(answer.message.source_width == 200);
        CHECK(answer.message.source_height == 100);
        CHECK(answer.message.frames == 1);
        CHECK(answer.message.jobs_done == turn);
        CHECK(answer.message.resident_bytes > 1'000'000);
        CHECK(answer.message.cpu_us > 0);
        const auto bytes = read_sealed(answer.descriptor.number(), answer.message.output_size);
        REQUIRE(bytes);
        CHECK(Seen(*bytes).width() == 50);
    }
    program.hang_up();
    const int status = program.ended();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

SCENARIO("a worker says why it refuses, and goes on") {
    Program program;
    REQUIRE(program.hear<Hello>());
    const std::string source = saved(quadrants(200, 100), ".png");
    const auto refusal = [&](std::string_view bytes, std::string_view plan) {
        const auto answer = done(program, bytes, plan, Format::Webp);
        CHECK_FALSE(answer.message.ok);
        CHECK_FALSE(answer.descriptor);
        CHECK(answer.message.output_size == 0);
        return std::pair(answer.message.error, std::string(answer.message.code));
    };
    using Refusal = std::pair<ErrorKind, std::string>;
    CHECK(refusal("%PDF-1.7", "w=50") == Refusal{ErrorKind::Unsupported, "unsupported_source"});
    CHECK(refusal("", "w=50") == Refusal{ErrorKind::Unsupported, "unsupported_source"});
    CHECK(refusal(source.substr(0, 150), "w=50") == Refusal{ErrorKind::Unprocessable, "undecodable"});
    CHECK(refusal(source, "w=9000&h=9000&fit=pad") == Refusal{ErrorKind::TooLarge, "too_large"});
    THEN("a job that makes no sense is an internal error") {
        CHECK(refusal(source, "w=banana") == Refusal{ErrorKind::Internal, "bad_job"});
        CHECK(refusal(source, "nonsense=1") == Refusal{ErrorKind::Internal, "bad_job"});
        const FileDescriptor memory = sealed_memory("source", source).value();
        const auto answer_to = [&](auto change) {
            Job job = job_for(source, "w=50", Format::Webp);
            change(job);
            return program.ask(job, memory.number()).value().message;
        };
        CHECK(answer_to([](Job& job) { job.orders[0].plan_length = 60'000; }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job& job) { job.orders[0].format = static_cast<Format>(200); }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job& job) { job.orders[0].quality = 101; }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job& job) { job.orders[0].target = 101; }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job& job) { job.orders[0].effort = static_cast<ImageEffort>(9); }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job& job) { job.order_count = 0; }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job& job) { job.source_size += 1; }).error == ErrorKind::Internal);
        CHECK(answer_to([](Job&) {}).ok);
    }
    THEN("memory that the server could still change is not decoded") {
        const FileDescriptor open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        REQUIRE(::write(open.number(), source.data(), source.size()) == static_cast<ssize_t>(source.size()));
        CHECK(std::string(program.ask(job_for(source, "w=50", Format::Webp), open.number())->message.code) == "bad_job");
        CHECK(std::string(program.ask(job_for(source, "w=50", Format::Webp), -1)->message.code) == "bad_job");
    }
    CHECK(done(program, source, "w=50", Format::Avif).message.ok);
}

SCENARIO("a worker ends when it is told what is no job") {
    Program program;
    REQUIRE(program.hear<Hello>());
    REQUIRE(send(program.socket(), Hello{}));
    const int status = program.ended();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}

SCENARIO("the server notices a worker that was killed") {
    Program program;
    REQUIRE(program.hear<Hello>());
    ::kill(program.process(), SIGKILL);
    const auto answer = program.hear<Done>();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::Internal);
    CHECK(answer.error().code == "closed");
}

SCENARIO("a worker has given up what it does not need") {
    Program program;
    REQUIRE(program.hear<Hello>());
    REQUIRE(done(program, saved(quadrants(20, 10), ".png"), "w=10", Format::Webp).message.ok);
    const std::string limits = program.proc("limits");
    const auto limit = [&](const std::string& name) {
        const auto line = limits.substr(limits.find(name) + name.size());
        const auto number = line.substr(line.find_first_not_of(' '));
        return number.substr(0, number.find(' '));
    };
    CHECK(limit("Max core file size") == "0");
    CHECK(limit("Max open files") == "16");
    if (!kSanitized) CHECK(limit("Max address space") == std::to_string(1 << 30));
    CHECK(limit("Max cpu time") != "unlimited");
    CHECK(program.proc("status").find("NoNewPrivs:\t1") != std::string::npos);
}

SCENARIO("a job beyond its memory or its CPU time costs that job, not more") {
    if (kSanitized) return;  // no address space limit there, and another speed
    const Image zone = made("zone", [](VipsImage** out) { return vips_zone(out, 5000, 5000, "uchar", TRUE, nullptr); }).value();
    const std::string source = saved(zone, ".jpg");
    const FileDescriptor memory = sealed_memory("source", source).value();
    WHEN("memory is short") {
        Program program("230000000");
        REQUIRE(program.hear<Hello>());
        const auto answer = program.ask(job_for(source, "fm=png", Format::Png), memory.number());
        CHECK_FALSE((answer && answer->message.ok));
    }
    WHEN("time is short") {
        Program program;
        REQUIRE(program.hear<Hello>());
        Job job = job_for(source, "fm=gif", Format::Gif);
        job.limits.cpu_seconds = 0;  // with the rounding up: one to two seconds
        CHECK_FALSE(program.ask(job, memory.number()));
        CHECK(WTERMSIG(program.ended()) == SIGXCPU);
    }
}

SCENARIO("sealed memory cannot be changed any more") {
    const FileDescriptor memory = sealed_memory("test", "hello").value();
    CHECK(read_sealed(memory.number(), 5).value() == "hello");
    CHECK(::write(memory.number(), "x", 1) < 0);
    CHECK(::ftruncate(memory.number(), 2) < 0);
    THEN("another size or no seal is an error") {
        CHECK(read_sealed(memory.number(), 4).error().kind == ErrorKind::Internal);
        CHECK(read_sealed(memory.number(), 6).error().kind == ErrorKind::Internal);
        CHECK_FALSE(read_sealed(-1, 6));
        const FileDescriptor open(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        CHECK_FALSE(read_sealed(open.number(), 0));
    }
    THEN("nothing is a content too") { CHECK(read_sealed(sealed_memory("empty", "")->number(), 0).value().empty()); }
}

SCENARIO("messages arrive whole with their descriptor, or as an error") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    FileDescriptor left(ends[0]), right(ends[1]);
    CHECK(receive<Done>(right.number()).error().code == "again");
    CHECK(receive<Done>(right.number()).error().kind == ErrorKind::Overloaded);
    Done sent{};
    sent.id = 99;
    const FileDescriptor memory = sealed_memory("test", "hello").value();
    REQUIRE(send(left.number(), sent, memory.number()));
    const auto got = receive<Done>(right.number());
    REQUIRE(got);
    CHECK(got->message.id == 99);
    CHECK(read_sealed(got->descriptor.number(), 5).value() == "hello");
    CHECK((::fcntl(got->descriptor.number(), F_GETFD) & FD_CLOEXEC) != 0);
    THEN("another size is an error, and the next message is read") {
        REQUIRE(send(left.number(), Hello{}));
        REQUIRE(send(left.number(), sent));
        CHECK(receive<Done>(right.number()).error().code == "worker_socket");
        CHECK_FALSE(receive<Done>(right.number())->descriptor);
    }
    THEN("a peer that is gone is an error in both directions, not a signal") {
        left.reset();
        CHECK(receive<Done>(right.number()).error().code == "closed");
        CHECK(send(right.number(), Hello{}).error().kind == ErrorKind::Internal);
    }
    THEN("a full socket says so") {
        Result<void> result;
        for (int tries = 0; tries < 100'000 && result; ++tries) result = send(left.number(), Job{});
        REQUIRE_FALSE(result);
        CHECK(result.error().code == "again");
    }
}

}  // namespace selvage::transforms::worker
