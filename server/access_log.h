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
#include "server/http/counters.h"
#include "server/http/message.h"

namespace selvage::server {

// One JSON object per line and request, to stderr or a file. Loops only append to a buffer of their own; a thread writes.
//
// {"time","client","method","host","target","protocol","status","bytes","duration_us","first_byte_us","fill_us","cache","complete",
//  "referer","user_agent"}
class AccessLog {
public:
    // `destination`: "stderr" or a path. Errors: Internal when the file cannot be opened.
    static Result<std::unique_ptr<AccessLog>> open(const std::string& destination, Log& log);
    ~AccessLog();  // writes what is left
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    // The end of one loop. Used on that loop only; lives as long as the log.
    class Writer {
    public:
        void write(const http::Request& request, const http::Outcome& outcome, http::Counters& counters);

    private:
        friend class AccessLog;
        // 4 MiB per loop: about 10,000 lines that the disk may fall behind
        static constexpr std::size_t kMost = 4 << 20;
        std::mutex mutex_;
        std::string lines_;
    };
    Writer& add_writer();  // before the loops run

    void reopen();  // after rotation; the next line goes into the file that then has the name

private:
    AccessLog(std::string destination, FileDescriptor file, Log& log);
    void serve();
    void drain();

    std::string destination_;
    FileDescriptor file_;
    Log& log_;
    std::vector<std::unique_ptr<Writer>> writers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::atomic<bool> reopen_{false};
    std::thread thread_;
};

}  // namespace selvage::server
