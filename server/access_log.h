#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/result.h"
#include "server/access_log_buffer.h"
#include "server/access_log_line.h"
#include "server/http/counters.h"
#include "server/http/message.h"

namespace selvage::server {

// One JSON object per line and request, to stderr or a file. Loops only append to a buffer of their own; a thread writes, every
// fifth of a second, and sooner when much is waiting.
//
// {"time","client","method","host","target","protocol","status","bytes","duration_us","first_byte_us","fill_us","cache","complete",
//  "coding","referer","user_agent"}
class AccessLog {
public:
    // `destination`: "stderr" or a path. `counters`, which outlive it, are told of lines that could not be written.
    // Errors: Internal when the file cannot be opened.
    static Result<std::unique_ptr<AccessLog>> open(const std::string& destination, http::Counters& counters, Log& log);
    ~AccessLog();  // writes what is left
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    // The end of one loop. Used on that loop only; lives as long as the log.
    class Writer {
    public:
        explicit Writer(AccessLog& owner) : owner_(owner) {}

        // The time of the line is outcome.finished. Dropped and counted when the disk is too far behind.
        void write(const http::Request& request, const http::Outcome& outcome, http::Counters& counters);

    private:
        friend class AccessLog;
        // 4 MiB per loop: about 14,000 lines that the disk may fall behind
        static constexpr std::size_t kMost = 4 << 20;
        // How many full chunks are worth waking the thread for, and how many are therefore in use under load.
        static constexpr std::size_t kWorthWaking = 4, kReady = kWorthWaking + 4;

        char* room(std::size_t size);

        AccessLog& owner_;
        LineClock clock_;
        LineBuffer lines_{kMost, kReady};
    };
    Writer& add_writer();  // before the loops run

    void reopen();  // after rotation; the next line goes into the file that then has the name

private:
    AccessLog(std::string destination, FileDescriptor file, http::Counters& counters, Log& log);
    void wake();
    void serve();
    void drain(LineBuffer::Take take);
    void open_again();
    void write_out(std::string_view lines);

    std::string destination_;
    FileDescriptor file_;
    http::Counters& counters_;
    Log& log_;
    std::vector<std::unique_ptr<Writer>> writers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool woken_ = false;
    bool stopping_ = false;
    std::atomic<bool> reopen_{false};
    std::thread thread_;
};

}  // namespace selvage::server
