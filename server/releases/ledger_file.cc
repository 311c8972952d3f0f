// Where a Ledger is between two processes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "server/releases/ledger.h"

namespace selvage::releases {
namespace {

constexpr std::uint64_t kLargestFile = 256ULL << 20;  // a million records

Result<std::string> read_file(const std::string& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) return std::string();
    struct stat facts{};
    if (!file || ::fstat(file.number(), &facts) != 0) return fail(ErrorKind::Internal, std::strerror(errno));
    if (!S_ISREG(facts.st_mode) || static_cast<std::uint64_t>(facts.st_size) > kLargestFile)
        return fail(ErrorKind::Internal, "no file, or too large a one");
    std::string text(static_cast<std::size_t>(facts.st_size), '\0');
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t count = ::read(file.number(), text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(ErrorKind::Internal, std::strerror(errno));
        if (count == 0) return fail(ErrorKind::Internal, "became shorter");
        done += static_cast<std::size_t>(count);
    }
    return text;
}

// False: errno says why.
bool write_file(const std::string& path, std::string_view text) {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return false;
    while (!text.empty()) {
        const ssize_t count = ::write(file.number(), text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fdatasync(file.number()) == 0;
}

}  // namespace

void Ledger::load() {
    const auto text = read_file(file_);
    if (!text) return log_.warn("releases", "{}: cannot be read: {}", file_, text.error().detail);
    if (text->empty()) return;
    auto records = read_records(root_, *text);
    if (!records) return log_.warn("releases", "{}: not used: {}", file_, records.error().detail);
    const std::lock_guard writing(writing_);
    replace(State(*std::move(records), kept()));
}

void Ledger::save() {
    const std::string text = write_records(root_, state()->records());
    std::error_code ignored;
    std::filesystem::create_directories(folder_, ignored);
    const std::string fresh = fmt::format("{}.{}", file_, ::getpid());
    if (write_file(fresh, text) && ::rename(fresh.c_str(), file_.c_str()) == 0) return complained_.store(false);
    const int error = errno;
    ::unlink(fresh.c_str());
    if (complained_.exchange(true)) return;
    log_.warn("releases", "{}: cannot be written: {}; a restart will not know of the last release", file_, std::strerror(error));
}

}  // namespace selvage::releases
