#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

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
    // `errors`: its standard error; -1: ours.
    explicit Program(const char* memory = nullptr, int errors = -1) {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        socket_ = FileDescriptor(ends[0]);
        process_ = ::fork();
        if (process_ == 0) run(ends[1], memory, errors);
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
    [[noreturn]] static void run(int end, const char* memory, int errors) {
        if (errors >= 0) ::dup2(errors, STDERR_FILENO);
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

// As a worker might that is no longer ours.
void send_with(int socket, Done message, const std::vector<int>& descriptors) {
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    envelope.msg_control = control.data();
    envelope.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&envelope);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
    REQUIRE(::sendmsg(socket, &envelope, 0) == static_cast<ssize_t>(sizeof message));
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

SCENARIO("a job of several orders is answered order by order, the first one first") {
    Program program;
    REQUIRE(program.hear<Hello>());
    const std::string source = saved(quadrants(200, 100), ".png");
    Job job = job_for(source, "w=50", Format::Webp);
    REQUIRE(add_order(job, {.format = Format::Jpeg, .quality = 60, .effort = ImageEffort::Best}, "w=20"));
    REQUIRE(add_order(job, {.format = Format::Png}, "w=9000&h=9000&fit=pad"));
    REQUIRE(add_order(job, {.format = Format::Avif, .quality = 40, .effort = ImageEffort::Fast}, "w=30"));
    const FileDescriptor memory = sealed_memory("source", source).value();
    REQUIRE(send(program.socket(), job, memory.number()));
    std::vector<Received<Done>> answers;
    for (std::uint32_t order = 0; order < 4; ++order) {
        answers.push_back(program.hear<Done>().value());
        const Done& done = answers.back().message;
        CHECK(done.id == 7);
        CHECK(done.order == order);
        CHECK(done.jobs_done == (order == 3 ? 1 : 0));
    }
    CHECK(answers[0].message.width == 50);
    CHECK(answers[0].message.format == Format::Webp);
    CHECK(answers[1].message.width == 20);
    CHECK(answers[1].message.effort == ImageEffort::Best);
    CHECK(std::string(answers[2].message.code) == "output_side");
    CHECK_FALSE(answers[2].descriptor);
    CHECK(answers[3].message.format == Format::Avif);
    for (const std::size_t order : {0, 1, 3}) {
        const Received<Done>& answer = answers[order];
        CHECK(answer.message.ok);
        CHECK(Seen(read_sealed(answer.descriptor.number(), answer.message.output_size).value()).width() ==
              static_cast<int>(answer.message.width));
    }
    THEN("and the next job can be given at once") {
        const auto next = done(program, source, "w=10", Format::Webp);
        CHECK(next.message.ok);
        CHECK(next.message.jobs_done == 2);
    }
}

TEST_CASE("a job has room for so many orders, and no more") {
    Job job{};
    for (std::size_t order = 0; order < kMostOrders; ++order) CHECK(add_order(job, {}, "w=10"));
    CHECK_FALSE(add_order(job, {}, "w=10"));
    Job large{};
    CHECK(add_order(large, {}, std::string(kPlanText - 1, 'x')));
    CHECK_FALSE(add_order(large, {}, "w="));
    CHECK(add_order(large, {}, "w"));
    CHECK(large.order_count == 2);
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
    CHECK(refusal(source, "w=9000&h=9000&fit=pad") == Refusal{ErrorKind::TooLarge, "output_side"});
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

SCENARIO("what libraries think of a broken file is not said in the server's log") {
    const FileDescriptor log(::memfd_create("log", MFD_CLOEXEC));
    const auto logged = [&] {
        std::string text(10'000, '\0');
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(::pread(log.number(), text.data(), text.size(), 0), 0)));
        return text;
    };
    Program program(nullptr, log.number());
    REQUIRE(program.hear<Hello>());
    const Image picture = quadrants(60, 40);
    std::vector<std::string> broken = {test::rendered(saved(picture, ".png"), "fm=avif", Format::Avif).value().bytes};
    for (const char* suffix : {".jpg", ".png", ".webp", ".gif", ".tif"}) broken.push_back(saved(picture, suffix));
    const bool has_jxl = (test::engine().can_load() >> static_cast<unsigned>(Format::Jxl) & 1) != 0;
    if (has_jxl) broken.push_back(saved(picture, ".jxl"));
    for (std::string& source : broken) {
        for (std::size_t at = source.size() / 3; at < source.size(); at += 7) source[at] = static_cast<char>(~source[at]);
        done(program, source, "w=20", Format::Webp);
    }
    CHECK(logged().empty());
    THEN("what the worker says itself is") {
        REQUIRE(send(program.socket(), Hello{}));
        CHECK(WEXITSTATUS(program.ended()) == 1);
        CHECK(logged().starts_with("selvage-transform: job: "));
        CHECK(std::ranges::count(logged(), '\n') == 1);
    }
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
    CHECK(limit("Max file size") == std::to_string(kMostOutput));
    const std::string status = program.proc("status");
    for (const std::string none : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
        CHECK(status.find(none + ":\t0000000000000000") != std::string::npos);
    }
    CHECK(status.find("NoNewPrivs:\t1") != std::string::npos);
    if (::geteuid() == 0) CHECK(status.find("CapBnd:\t0000000000000000") != std::string::npos);
    if (!kSanitized) CHECK(status.find("Seccomp:\t2") != std::string::npos);  // a filter; tests/server proves what it forbids
}

// Or a small file waits for the end of its time slice, on a machine whose cores are all busy with images.
SCENARIO("a worker is less urgent than the server, and so are its threads") {
    Program program;
    REQUIRE(program.hear<Hello>());
    const std::string source = saved(quadrants(200, 100), ".png");
    REQUIRE(done(program, source, "w=50", Format::Avif).message.ok);
    const int ours = ::getpriority(PRIO_PROCESS, 0);
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(program.process()) + "/task");
    for (const auto& thread : threads) {
        const auto id = static_cast<id_t>(std::stoi(thread.path().filename().string()));
        CHECK(::getpriority(PRIO_PROCESS, id) == std::min(ours + 5, 19));
        CHECK(::sched_getscheduler(static_cast<pid_t>(id)) == SCHED_OTHER);  // an idle one would starve where others compute
    }
}

SCENARIO("a worker that held much gives it back after the job") {
    if (kSanitized) return;
    Program program;
    const auto resident = [&] {
        const std::string status = program.proc("status");
        return std::stoull(status.substr(status.find("VmRSS:") + 6)) * 1024;
    };
    REQUIRE(program.hear<Hello>());
    const std::string large = saved(quadrants(4000, 3900), ".jpg[interlace]"), small = saved(quadrants(200, 100), ".png");
    const Done most = done(program, large, "w=3200", Format::Webp).message;
    REQUIRE(most.ok);
    CHECK(most.resident_bytes > 112 << 20);
    REQUIRE(done(program, small, "w=50", Format::Webp).message.ok);
    CHECK(resident() < most.resident_bytes * 3 / 4);
}

SCENARIO("behind its sandbox a worker can do all that the engine can") {
    const Image picture = quadrants(60, 40);
    const Image moving = test::strip_of({picture, picture, picture}, {100, 100, 100}, 0);
    const std::string drawing =
        R"(<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="60" )"
        R"(height="40"><circle r="20"/><image width="9" height="9" xlink:href="data:image/png;base64,)"
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
        R"("/></svg>)";
    std::vector<std::string> sources = {drawing, test::rendered(saved(picture, ".png"), "fm=avif", Format::Avif).value().bytes};
    const Image deep = made("deep", [&](VipsImage** out) {
                           return vips_colourspace(picture.get(), out, VIPS_INTERPRETATION_RGB16, nullptr);
                       }).value();
    sources.push_back(saved(deep, ".png"));
    for (const char* suffix : {".jpg", ".png", ".webp", ".gif", ".tif", ".tif[compression=lzw]"}) {
        sources.push_back(saved(picture, suffix));
    }
    for (const char* suffix : {".gif", ".webp"}) sources.push_back(saved(moving, suffix));

    Program program;
    REQUIRE(program.hear<Hello>());
    for (const std::string& source : sources) {
        for (const Format out : {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif}) {
            for (const char* plan : {"w=30", "w=20&h=20&fit=cover&g=smart", "w=20&h=20&fit=cover&g=entropy", "blur=12&rot=90"}) {
                INFO(row_of(sniff(source).value()).name << " to " << row_of(out).name << " by " << plan);
                const auto answer = done(program, source, plan, out);
                CHECK(answer.message.ok);
            }
        }
    }
}

SCENARIO("a drawing that would have files opened is refused, and costs no worker") {
    Program program;
    REQUIRE(program.hear<Hello>());
    const auto refusal = [&](const std::string& content) {
        const std::string drawing =
            R"(<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" )"
            R"(height="9">)" +
            content + "</svg>";
        const auto answer = done(program, drawing, "w=30", Format::Webp);
        return answer.message.ok ? "" : std::string(answer.message.code) + ": " + answer.message.detail;
    };
    CHECK(refusal(R"(<text x="1" y="5">a</text>)") == "unsupported_source: an SVG with text");
    CHECK(refusal(R"(<image xlink:href="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="/>)") ==
          "unsupported_source: an SVG with a picture that is neither PNG nor JPEG");
    CHECK(done(program, R"(<?xml version="1.0" encoding="Shift_JIS"?><svg xmlns="http://www.w3.org/2000/svg"/>)", "w=9",
               Format::Webp)
              .message.error == ErrorKind::Unsupported);
    CHECK(refusal(R"(<image width="9" height="9" xlink:href="file:///etc/passwd"/>)").empty());  // as if it were not there
    CHECK(refusal(R"(<image width="9" height="9" xlink:href="http://127.0.0.1:1/a.png"/>)").empty());
    CHECK(refusal(R"(<rect id="text" width="5" height="5"/>)").empty());
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
    THEN("more than one descriptor is an error, and none is kept") {
        const auto open = [] {
            return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
        };
        const auto before = open();
        for (const int count : {2, 3, 200}) {
            send_with(left.number(), sent, std::vector<int>(static_cast<std::size_t>(count), memory.number()));
            CHECK(receive<Done>(right.number()).error().code == "worker_socket");
        }
        CHECK(open() == before);
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
