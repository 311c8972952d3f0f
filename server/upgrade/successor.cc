#include "server/upgrade/successor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "server/upgrade/inheritance.h"

namespace selvage::upgrade {

namespace {

constexpr std::size_t kMostSaid = 16 << 10;  // what is written at once into a pipe of the usual 64 KiB, and more than a log wants

std::vector<std::string> environment_with(const std::string& value) {
    const std::string ours = fmt::format("{}=", kVariable);
    std::vector<std::string> all;
    for (char** entry = environ; *entry; ++entry) {
        if (!std::string_view(*entry).starts_with(ours)) all.emplace_back(*entry);
    }
    all.push_back(ours + value);
    return all;
}

loop::Process::Launch launch_of(const Successor::Start& start, int ready) {
    loop::Process::Launch launch{.program = start.program, .arguments = start.arguments, .environment = {}, .descriptors = {}};
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        launch.descriptors.push_back(fcntl(number, F_GETFD) < 0 ? loop::Process::kNull : number);  // closed by who started us
    }
    launch.descriptors.push_back(ready);
    std::string value = fmt::format("{}={}", launch.descriptors.size() - 1, kReady);
    for (const Successor::Socket& socket : start.sockets) {
        value += fmt::format(" {}={}", launch.descriptors.size(), socket.what);
        launch.descriptors.push_back(socket.number);
    }
    launch.environment = environment_with(value);
    return launch;
}

// The process of "ready PID\n"; 0 when it says something else, or not all of it yet.
int process_in(std::string_view said) {
    if (!said.starts_with(kReady) || !said.ends_with('\n')) return 0;
    said.remove_prefix(kReady.size());
    if (said.front() == ' ') said.remove_prefix(1);
    int process = 0;
    std::from_chars(said.data(), said.data() + said.size(), process);
    return process;
}

std::string last_words(std::string_view said) {
    const std::string head = fmt::format("{}\n", kFailed);
    if (!said.starts_with(head)) return {};
    said.remove_prefix(head.size());
    while (said.ends_with('\n')) said.remove_suffix(1);
    return std::string(said);
}

}  // namespace

Result<std::unique_ptr<Successor>> Successor::start(loop::Loop& loop, const Start& start, Settled settled) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(ErrorKind::Internal, std::strerror(errno));
    FileDescriptor ours(ends[0]);
    const FileDescriptor theirs(ends[1]);
    fcntl(ours.number(), F_SETFL, O_NONBLOCK);
    std::unique_ptr<Successor> successor(new Successor(loop, std::move(ours), std::move(settled)));
    successor->patience_ = start.patience;
    auto* const self = successor.get();
    successor->process_ = TRY(loop::Process::start(loop, launch_of(start, theirs.number()),
                                                   [self](int status, int signal) { self->on_exit(status, signal); }));
    successor->silence_.start(start.patience);
    return successor;
}

Successor::Successor(loop::Loop& loop, FileDescriptor pipe, Settled settled)
    : pipe_(std::move(pipe)),
      settled_(std::move(settled)),
      poll_(loop, pipe_.number(), [this] { on_readable(); }),
      silence_(loop, [this] { on_silence(); }) {}

Successor::~Successor() {
    if (serves_ && process_) process_->let_go();
}

void Successor::on_readable() {
    read_some();  // once: who never stops talking must not keep us from the end of our patience
    const int process = process_in(said_);
    if (process == 0) return;
    serves_ = true;
    silence_.stop();
    poll_.stop();
    settled_({.process = process, .reason = {}});
}

bool Successor::read_some() {
    std::array<char, 4096> bytes;
    const ssize_t size = ::read(pipe_.number(), bytes.data(), bytes.size());
    if (size > 0 && said_.size() < kMostSaid) said_.append(bytes.data(), static_cast<std::size_t>(size));
    if (size == 0) poll_.stop();  // it has closed the pipe; its exit will follow, or the end of our patience
    return size > 0;
}

void Successor::on_silence() {
    killed_ = true;
    process_->kill();
}

// A program that says "ready" and ends at once has not served: it is too late then to go on, and the log will say so.
void Successor::on_exit(int status, int signal) {
    if (serves_) {
        process_.reset();
        return;
    }
    while (said_.size() < kMostSaid && read_some()) continue;
    std::string reason = last_words(said_);
    if (killed_) {
        reason = fmt::format("it was not ready within {} ms", patience_.count());
    } else if (reason.empty()) {
        reason = signal != 0 ? fmt::format("it was ended by signal {}; see what it left on stderr", signal)
                             : fmt::format("it ended with status {}; see what it left on stderr", status);
    }
    silence_.stop();
    poll_.stop();
    auto settled = std::move(settled_);
    settled({.process = 0, .reason = std::move(reason)});
}

}  // namespace selvage::upgrade
