#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/result.h"
#include "cache_store/file_system.h"

// Where the log lies.
//
//   FOLDER/objects/lock               flock'ed by the process that writes here
//   FOLDER/objects/log-1/             superblock.0, superblock.1, segment.NNNNN, the purge journal's files, hot
//   FOLDER/objects/log-1.kept-N/      a log of a later version, left alone
//
// Listing, making folders and locking are done at the start alone and are not behind the FileSystem.
namespace selvage::cache_store {

// Errors of all of these: Internal, with the reason, unless said otherwise.

struct LogFolder {
    FileDescriptor objects;
    FileDescriptor lock;  // none: it was given away
    FileDescriptor log;   // shared with nobody; lives as long as the tier
};
// Creates what is missing. Errors: Overloaded when another process has the lock, which is tried once.
Result<LogFolder> open_log_folder(const std::string& folder);
Result<FileDescriptor> take_lock(int objects);

// Leaves the log under another name, which is returned, and opens an empty one.
Result<std::string> keep_aside(LogFolder& folder, FileSystem& files);

// Objects of the development version, a file each: nothing reads them, but they take room.
void remove_first_version(const std::string& folder, Log& log);

struct LogNames {
    std::vector<std::uint32_t> segments;
    std::vector<std::string> journals;  // of purges
    std::vector<std::string> others;    // superblocks not among them
    bool superblocks = false;           // at least one
};
Result<LogNames> list_log(int log);

std::string segment_name(std::uint32_t number);
inline constexpr const char* kSuperblockNames[] = {"superblock.0", "superblock.1"};
inline constexpr const char* kHotList = "hot";
inline constexpr const char* kNewHotList = "hot.new";

// Bytes that the files beside the segments take now.
std::uint64_t bytes_beside_segments(int log);

// A descriptor that is closed by the file system it was opened by. A segment's is shared by all who read it.
class LogFile {
public:
    LogFile(FileSystem& files, int number) : files_(files), number_(number) {}
    ~LogFile() {
        if (number_ >= 0) files_.close(number_);
    }
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    FileSystem& files() const { return files_; }
    int number() const { return number_; }

private:
    FileSystem& files_;
    int number_;
};
using LogFilePtr = std::shared_ptr<const LogFile>;

// Null: errno says why. For reading and writing; never through a link.
LogFilePtr open_file(FileSystem& files, int folder, const std::string& name, int more_flags = 0);

}  // namespace selvage::cache_store
