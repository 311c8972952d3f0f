#include "server/access_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace selvage::server {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

// A JSON string. Bytes that are not ASCII are kept when they may be UTF-8 and escaped by value otherwise is not attempted: a
// request target is ASCII by grammar, and what is not shows as \u00XX.
void append_string(std::string& line, std::string_view text) {
    line += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            fmt::format_to(std::back_inserter(line), "\\u{:04x}", byte);
        } else {
            line += c;
        }
    }
    line += '"';
}

void append_member(std::string& line, std::string_view name, std::string_view value) {
    line += ",\"";
    line += name;
    line += "\":";
    append_string(line, value);
}

Result<FileDescriptor> open_file(const std::string& path) {
    FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!file) return fail(ErrorKind::Internal, fmt::format("access log {}: {}", path, std::strerror(errno)));
    return file;
}

}  // namespace

void AccessLog::Writer::write(const http::Request& request, const http::Outcome& outcome, http::Counters& counters) {
    const std::lock_guard lock(mutex_);
    if (lines_.size() >= kMost) {
        counters.add(http::Counter::AccessLogDropped);
        return;
    }
    const auto now = std::chrono::system_clock::now();
    const auto milliseconds = duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    const auto duration = duration_cast<microseconds>(outcome.finished - request.received).count();
    const bool began = outcome.first_byte != SteadyTime{};
    const auto first = began ? duration_cast<microseconds>(outcome.first_byte - request.received).count() : 0;
    fmt::format_to(std::back_inserter(lines_), "{{\"time\":\"{:%FT%T}.{:03}Z\"",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds % 1000);
    append_member(lines_, "client", request.peer);
    append_member(lines_, "method", request.method_text);
    append_member(lines_, "host", request.authority);
    append_member(lines_, "target", request.target);
    append_member(lines_, "protocol", http::name_of(request.protocol));
    fmt::format_to(
        std::back_inserter(lines_),
        ",\"status\":{},\"bytes\":{},\"duration_us\":{},\"first_byte_us\":{},\"fill_us\":{},\"cache\":\"{}\",\"complete\":{}",
        outcome.status, outcome.body_bytes, request.received == SteadyTime{} ? 0 : duration, first, outcome.fill_time.count(),
        http::name_of(outcome.verdict), outcome.complete);
    if (const auto referer = request.field("referer"); !referer.empty()) append_member(lines_, "referer", referer);
    if (const auto agent = request.field("user-agent"); !agent.empty()) append_member(lines_, "user_agent", agent);
    lines_ += "}\n";
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& destination, Log& log) {
    FileDescriptor file;
    if (destination != "stderr") file = TRY(open_file(destination));
    return std::unique_ptr<AccessLog>(new AccessLog(destination, std::move(file), log));
}

AccessLog::AccessLog(std::string destination, FileDescriptor file, Log& log)
    : destination_(std::move(destination)), file_(std::move(file)), log_(log), thread_([this] { serve(); }) {}

AccessLog::~AccessLog() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    drain();
}

AccessLog::Writer& AccessLog::add_writer() {
    const std::lock_guard lock(mutex_);
    writers_.push_back(std::make_unique<Writer>());
    return *writers_.back();
}

void AccessLog::reopen() { reopen_ = true; }

void AccessLog::serve() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            // Lines are seen within a fifth of a second; requests never wake anybody.
            wake_.wait_for(lock, std::chrono::milliseconds(200), [this] { return stopping_; });
            if (stopping_) return;
        }
        drain();
    }
}

void AccessLog::drain() {
    if (reopen_.exchange(false) && destination_ != "stderr") {
        auto file = open_file(destination_);
        if (file) {
            file_ = std::move(*file);
        } else {
            log_.error("access", "{}; the old file stays in use", file.error().detail);
        }
    }
    const int descriptor = file_ ? file_.number() : STDERR_FILENO;
    std::vector<Writer*> writers;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& writer : writers_) writers.push_back(writer.get());
    }
    for (Writer* writer : writers) {
        std::string lines;
        {
            const std::lock_guard lock(writer->mutex_);
            lines.swap(writer->lines_);
            writer->lines_.reserve(64 << 10);
        }
        std::string_view rest = lines;
        while (!rest.empty()) {
            const ssize_t written = ::write(descriptor, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) break;  // a full disk costs the lines, never the service
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
}

}  // namespace selvage::server
