#include "server/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

namespace selvage::server {

namespace {

// How long a line waits at most before it is written.
constexpr auto kOldest = std::chrono::milliseconds(200);

Result<FileDescriptor> open_file(const std::string& path) {
    FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!file) return fail(ErrorKind::Internal, fmt::format("access log {}: {}", path, std::strerror(errno)));
    return file;
}

}  // namespace

void AccessLog::Writer::write(const http::Request& request, const http::Outcome& outcome, http::Counters& counters) {
    const AccessLine line(request, outcome);
    if (char* at = room(line.most())) {
        lines_.publish(line.write(at, clock_));
    } else {
        counters.add(http::Counter::AccessLogDropped);
    }
}

// A lock and perhaps a system call, but once per chunk.
char* AccessLog::Writer::room(std::size_t size) {
    if (char* at = lines_.room(size)) [[likely]]
        return at;
    char* at = lines_.next_room(size);
    if (lines_.waiting() >= kWorthWaking) owner_.wake();
    return at;
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& destination, http::Counters& counters, Log& log) {
    FileDescriptor file;
    if (destination != "stderr") file = TRY(open_file(destination));
    return std::unique_ptr<AccessLog>(new AccessLog(destination, std::move(file), counters, log));
}

AccessLog::AccessLog(std::string destination, FileDescriptor file, http::Counters& counters, Log& log)
    : destination_(std::move(destination)), file_(std::move(file)), counters_(counters), log_(log), thread_([this] {
          serve();
      }) {}

AccessLog::~AccessLog() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    drain(LineBuffer::Take::Everything);
}

AccessLog::Writer& AccessLog::add_writer() {
    const std::lock_guard lock(mutex_);
    writers_.push_back(std::make_unique<Writer>(*this));
    return *writers_.back();
}

void AccessLog::reopen() {
    reopen_ = true;
    wake();
}

void AccessLog::wake() {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(woken_, true)) return;
    }
    wake_.notify_one();
}

void AccessLog::serve() {
    using std::chrono::steady_clock;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    SteadyTime everything = steady_clock::now() + kOldest;  // when it is due
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait_until(lock, everything, [this] { return woken_ || stopping_; });
            if (stopping_) return;
            woken_ = false;
        }
        const bool due = steady_clock::now() >= everything;
        drain(due ? LineBuffer::Take::Everything : LineBuffer::Take::FullChunks);
        if (due) everything = steady_clock::now() + kOldest;
    }
}

void AccessLog::drain(LineBuffer::Take take) {
    if (reopen_.exchange(false) && destination_ != "stderr") open_again();
    std::vector<Writer*> writers;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& writer : writers_) writers.push_back(writer.get());
    }
    for (Writer* writer : writers) {
        writer->lines_.drain(take, [this](std::string_view lines) { write_out(lines); });
    }
}

void AccessLog::open_again() {
    auto file = open_file(destination_);
    if (file) {
        file_ = std::move(*file);
    } else {
        log_.error("access", "{}; the old file stays in use", file.error().detail);
    }
}

void AccessLog::write_out(std::string_view lines) {
    const int descriptor = file_ ? file_.number() : STDERR_FILENO;
    while (!lines.empty()) {
        const ssize_t written = ::write(descriptor, lines.data(), lines.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {  // a full disk costs the lines, never the service
            counters_.add(http::Counter::AccessLogLost, static_cast<std::uint64_t>(std::ranges::count(lines, '\n')));
            return;
        }
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace selvage::server
