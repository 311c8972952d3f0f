// A worker program that behaves as its source tells it to: behind the real sandbox, with the real protocol, but without codecs.
// The source's first word is a row of kDeeds. What a decoder would do whose bug somebody makes use of.

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "transforms/worker/protocol.h"
#include "transforms/worker/sandbox.h"
#include "transforms/worker/sandbox_limits.h"

namespace {

using namespace selvage;
using namespace selvage::transforms::worker;

constexpr std::string_view kImage = "an image";

Done answer_to(const Job& job) {
    Done done{};
    done.id = job.id;
    done.ok = 1;
    done.output_size = kImage.size();
    done.format = job.orders[0].format;
    done.effort = job.orders[0].effort;
    done.width = done.height = done.source_width = done.source_height = done.frames = 1;
    done.jobs_done = 1;
    return done;
}

void give(const Done& done, const FileDescriptor& output) { (void)send(kSocket, done, output.number()); }

FileDescriptor output() { return sealed_memory("output", kImage).value(); }

FileDescriptor unsealed() {
    FileDescriptor memory(::memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    (void)!::write(memory.number(), kImage.data(), kImage.size());
    return memory;
}

void refuse(const Job& job, std::string_view why) {
    Done done = answer_to(job);
    done.ok = 0;
    done.error = ErrorKind::Internal;
    std::ranges::copy(why.substr(0, sizeof done.detail - 1), done.detail);
    give(done, {});
}

// What makes a process fail by itself.

void fine(const Job& job) { give(answer_to(job), output()); }

void thread(const Job& job) {
    std::thread([] {}).join();
    fine(job);
}

void segfault(const Job&) {
    volatile int* nowhere = nullptr;
    *nowhere = 1;
}

void loop(const Job& job) {
    limit_cpu(job.limits.cpu_seconds);
    for (volatile unsigned turns = 0;;) turns = turns + 1;
}

void sleep(const Job&) { ::poll(nullptr, 0, -1); }

void allocate(const Job&) {
    constexpr std::size_t kBlock = 16 << 20;
    for (;;) std::memset(new char[kBlock], 1, kBlock);
}

void stop(const Job&) { std::_Exit(0); }

void hang_up(const Job&) {
    ::close(kSocket);
    ::poll(nullptr, 0, -1);
}

// What somebody would want who has taken it over. Each goes on as if nothing had happened, should it be let.

void open_file(const Job& job) {
    ::close(::open("/etc/passwd", O_RDONLY));
    fine(job);
}

void make_file(const Job& job) {
    ::close(::openat(AT_FDCWD, "/tmp/left-behind", O_CREAT | O_WRONLY, 0600));
    fine(job);
}

void remove_file(const Job& job) {
    ::unlink("/tmp/there-is-none");
    fine(job);
}

void open_socket(const Job& job) {
    ::close(::socket(AF_INET, SOCK_STREAM, 0));
    fine(job);
}

void open_local_socket(const Job& job) {
    int ends[2];
    (void)!::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    fine(job);
}

void exec(const Job& job) {
    ::execl("/bin/true", "true", nullptr);
    fine(job);
}

void fork(const Job& job) {
    if (::fork() == 0) std::_Exit(0);
    fine(job);
}

void trace(const Job& job) {
    ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr);
    fine(job);
}

void signal_server(const Job& job) {
    ::kill(::getppid(), 0);
    fine(job);
}

void make_code(const Job& job) {
    (void)::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fine(job);
}

void change_code(const Job& job) {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
    fine(job);
}

void raise_limit(const Job& job) {
    const rlimit most{.rlim_cur = 1024, .rlim_max = 1024};
    ::setrlimit(RLIMIT_NOFILE, &most);
    fine(job);
}

// What somebody would say to the server then.

void short_output(const Job& job) {
    Done done = answer_to(job);
    done.output_size = kImage.size() + 1000;
    give(done, output());
}

void oversized_claim(const Job& job) {
    Done done = answer_to(job);
    done.output_size = std::uint64_t{1} << 40;
    give(done, output());
}

// As much as the kernel lets it.
void oversized_output(const Job& job) {
    FileDescriptor memory(::memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    Done done = answer_to(job);
    done.output_size = kMostOutput;
    (void)!::ftruncate(memory.number(), static_cast<off_t>(done.output_size));
    ::fcntl(memory.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    give(done, memory);
}

void endless_output(const Job& job) {
    FileDescriptor memory(::memfd_create("output", MFD_CLOEXEC));
    const bool grows = ::ftruncate(memory.number(), static_cast<off_t>(kMostOutput) + 1) == 0;
    grows ? fine(job) : refuse(job, "an output cannot grow without end");
}

void endless_descriptors(const Job& job) {
    std::vector<FileDescriptor> kept;
    for (int tries = 0; tries < 1000; ++tries) {
        FileDescriptor memory(::memfd_create("kept", MFD_CLOEXEC));
        if (!memory) return refuse(job, "there are only so many descriptors");
        kept.push_back(std::move(memory));
    }
    fine(job);
}

void unsealed_output(const Job& job) { give(answer_to(job), unsealed()); }
void no_output(const Job& job) { give(answer_to(job), {}); }

void no_memory(const Job& job) { (void)send(kSocket, answer_to(job), STDERR_FILENO); }

void two_answers(const Job& job) {
    fine(job);
    fine(job);
}

void other_order(const Job& job) {
    Done done = answer_to(job);
    done.order = 7;
    give(done, output());
}

void other_job(const Job& job) {
    Done done = answer_to(job);
    done.id += 1;
    give(done, output());
}

void other_format(const Job& job) {
    Done done = answer_to(job);
    done.format = static_cast<transforms::Format>(200);
    give(done, output());
}

void hello_again(const Job&) { (void)send(kSocket, Hello{}); }
void say(std::string text) {
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    (void)!::sendmsg(kSocket, &envelope, 0);
}
void garbage(const Job&) { say("garbage"); }
void silence(const Job&) { say(""); }

struct Deed {
    std::string_view word;
    void (*act)(const Job& job);
};
constexpr auto kDeeds = std::to_array<Deed>({
    {"fine", fine},
    {"thread", thread},
    {"segfault", segfault},
    {"loop", loop},
    {"sleep", sleep},
    {"allocate", allocate},
    {"stop", stop},
    {"hang_up", hang_up},
    {"open_file", open_file},
    {"make_file", make_file},
    {"remove_file", remove_file},
    {"open_socket", open_socket},
    {"open_local_socket", open_local_socket},
    {"exec", exec},
    {"fork", fork},
    {"trace", trace},
    {"signal_server", signal_server},
    {"make_code", make_code},
    {"change_code", change_code},
    {"raise_limit", raise_limit},
    {"short_output", short_output},
    {"oversized_claim", oversized_claim},
    {"oversized_output", oversized_output},
    {"endless_output", endless_output},
    {"endless_descriptors", endless_descriptors},
    {"unsealed_output", unsealed_output},
    {"no_output", no_output},
    {"no_memory", no_memory},
    {"two_answers", two_answers},
    {"other_order", other_order},
    {"other_job", other_job},
    {"other_format", other_format},
    {"hello_again", hello_again},
    {"garbage", garbage},
    {"silence", silence},
});

std::string word_of(const Received<Job>& received) {
    std::string text = read_sealed(received.descriptor.number(), received.message.source_size).value();
    return text.substr(0, text.find(' '));
}

}  // namespace

int main(int, char** arguments) {
    std::uint64_t memory = 0;  // --memory BYTES
    std::from_chars(arguments[2], arguments[2] + std::strlen(arguments[2]), memory);
    leave_the_world();
    if (auto shut = install_sandbox(memory); !shut) {
        std::fprintf(stderr, "misbehaving worker: %s\n", shut.error().detail.c_str());
        return 2;
    }
    (void)send(kSocket, Hello{.version = kProtocolVersion, .epoch = "misbehaving"});
    while (true) {
        const auto received = receive<Job>(kSocket);
        if (!received) return 0;
        const auto* deed = std::ranges::find(kDeeds, word_of(*received), &Deed::word);
        if (deed == kDeeds.end()) return 3;
        deed->act(received->message);
    }
}
