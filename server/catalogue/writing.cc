#include "server/catalogue/writing.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>

namespace selvage::catalogue {
namespace {

// A writer that pauses for longer than the first has its half file served.
constexpr std::int64_t kStill = 10'000'000'000, kShort = 100'000'000;
// Clocks of file servers may be ahead; what is further ahead was set by somebody, and says nothing.
constexpr std::int64_t kAhead = -1'000'000'000;

}  // namespace

Writer writer_of(int descriptor) {
    // Who breaks a lease has a signal sent to its holder. The usual one, SIGIO, would end a program that does not expect it; this
    // one is ignored unless somebody handles it.
    if (::fcntl(descriptor, F_SETSIG, SIGURG) != 0) return Writer::Unknown;
    if (::fcntl(descriptor, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN ? Writer::Somebody : Writer::Unknown;
    ::fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return Writer::Nobody;
}

void Works::tell(std::string_view path, Writer writer) {
    const std::lock_guard lock(mutex_);
    if (const auto known = files_.find(path); known != files_.end()) {
        known->second = writer;
        return;
    }
    if (files_.size() >= most_) files_.clear();
    files_.emplace(path, writer);
}

void Works::begun(std::string_view path) { tell(path, Writer::Somebody); }

void Works::finished(std::string_view path) { tell(path, Writer::Nobody); }

void Works::forget(std::string_view path) {
    const std::lock_guard lock(mutex_);
    if (const auto known = files_.find(path); known != files_.end()) files_.erase(known);
}

void Works::forget_below(std::string_view folder) {
    const std::lock_guard lock(mutex_);
    auto known = files_.lower_bound(folder);
    while (known != files_.end() && known->first.starts_with(folder)) files_.erase(known++);
}

void Works::forget_everything() {
    const std::lock_guard lock(mutex_);
    files_.clear();
}

Writer Works::writer_of(std::string_view path) const {
    const std::lock_guard lock(mutex_);
    const auto known = files_.find(path);
    return known == files_.end() ? Writer::Unknown : known->second;
}

bool is_being_written(const origins::Found& file, std::string_view path, const Works& works, std::int64_t wall_ns) {
    const std::int64_t age = wall_ns - file.version.changed_ns;
    if (age >= kStill || age < kAhead) return false;
    Writer writer = writer_of(file.descriptor.number());
    if (writer == Writer::Unknown) writer = works.writer_of(path);
    return writer == Writer::Somebody || (writer == Writer::Unknown && age < kShort);
}

}  // namespace selvage::catalogue
