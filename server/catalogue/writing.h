#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "server/origins/folder.h"

// Is somebody writing a file at present? What is half there is not served.
namespace selvage::catalogue {

enum class Writer : std::uint8_t { Nobody, Somebody, Unknown };

// Asks the kernel: a read lease can be had only of what nobody has open for writing (fcntl(2), "Leases"). It is given back at
// once; who opens the file for writing meanwhile waits for that. Unknown: another user's file (without CAP_LEASE), or a file
// system without leases. 0.7 µs.
Writer writer_of(int descriptor);

// What inotify told of files in the making. Bounded: when it is full, all is forgotten. Thread-safe.
class Works {
public:
    explicit Works(std::size_t most) : most_(most) {}

    void begun(std::string_view path);           // made, or written to
    void finished(std::string_view path);        // closed by who wrote, or renamed to this name
    void forget(std::string_view path);          // gone
    void forget_below(std::string_view folder);  // with its final slash
    void forget_everything();

    Writer writer_of(std::string_view path) const;

private:
    void tell(std::string_view path, Writer writer);

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::map<std::string, Writer, std::less<>> files_;
};

// Both of them, and the clock (nanoseconds since 1970): a file that has not changed for ten seconds is taken as it is, though
// somebody may have it open (a log, a database); one of which nothing is known after a tenth of a second.
bool is_being_written(const origins::Found& file, std::string_view path, const Works& works, std::int64_t wall_ns);

}  // namespace selvage::catalogue
