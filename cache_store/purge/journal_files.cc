#include "cache_store/purge/journal_files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace selvage::cache_store {
namespace {

constexpr std::array kNames = {"purges.0", "purges.1"};
constexpr off_t kMostBytes = 256 << 20;  // what we write is a fraction of it: a file that is larger is not ours

std::unexpected<Error> failed(std::string_view what, int error) {
    return fail(ErrorKind::Internal, fmt::format("purge journal: {}: {}", what, std::strerror(error)));
}

// Closes what it holds through the seam.
class OpenFile {
public:
    OpenFile(FileSystem& files, int file) : files_(files), file_(file) {}
    ~OpenFile() {
        if (file_ >= 0) files_.close(file_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    int number() const { return file_; }
    int release() { return std::exchange(file_, -1); }

private:
    FileSystem& files_;
    int file_;
};

}  // namespace

JournalFiles::~JournalFiles() {
    if (file_ >= 0) files_.close(file_);
}

Result<JournalFiles::Slot> JournalFiles::load(std::uint64_t slot) {
    OpenFile file(files_, files_.openat(folder_, kNames[slot], O_RDONLY | O_CLOEXEC, 0));
    if (file.number() < 0) {
        if (errno == ENOENT) return Slot{};
        return failed("open", errno);
    }
    const off_t size = files_.size_of(file.number());
    if (size < 0) return failed("stat", errno);
    if (size > kMostBytes) return failed(kNames[slot], EFBIG);
    Slot result{.there = true, .bytes = std::string(static_cast<std::size_t>(size), '\0')};
    const int error = read_all(files_, file.number(), result.bytes.data(), result.bytes.size(), 0);
    if (error != 0) return failed("read", error);
    return result;
}

Result<JournalFiles::Past> JournalFiles::read(const FloorBounds& bounds) {
    Past past;
    bool any_file = false;
    std::optional<std::uint64_t> newest_sequence;
    for (std::uint64_t slot = 0; slot < kNames.size(); ++slot) {
        const Slot file = TRY(load(slot));
        if (!file.there) continue;
        any_file = true;
        auto journal = parse_journal(file.bytes, bounds);
        if (!journal && journal.error() == BadJournal::Future) {
            return fail(ErrorKind::Internal, fmt::format("{} is of a later version", kNames[slot]));
        }
        if (!journal || journal->number % kNames.size() != slot) continue;
        past.any = true;
        past.damaged = past.damaged || journal->damaged;
        past.floors = past.floors.merged(journal->floors, bounds);
        past.sequence = std::max(past.sequence, journal->sequence);
        number_ = std::max(number_, journal->number);
        // The one that knows more stays until the next is durable.
        if (!newest_sequence || journal->sequence > *newest_sequence) keep_slot_ = slot;
        newest_sequence = std::max(newest_sequence.value_or(0), journal->sequence);
    }
    if (any_file && !past.any) return fail(ErrorKind::Internal, "the purge journal is damaged");
    return past;
}

Result<int> JournalFiles::write_new(std::uint64_t number, std::string_view image) {
    const char* const name = kNames[number % kNames.size()];
    OpenFile file(files_, files_.openat(folder_, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.number() < 0) return failed("create", errno);
    iovec part{const_cast<char*>(image.data()), image.size()};
    if (const int error = write_all(files_, file.number(), &part, 1, 0); error != 0) return failed("write", error);
    if (files_.fdatasync(file.number()) != 0) return failed("fdatasync", errno);
    if (files_.fdatasync(folder_) != 0) return failed("fsync of its folder", errno);
    return file.release();
}

Result<void> JournalFiles::begin(std::uint64_t sequence, const Floors& floors) {
    std::uint64_t next = number_ + 1;
    if (next % kNames.size() == keep_slot_) ++next;
    const std::string image = encode_journal(next, sequence, floors);
    auto file = write_new(next, image);
    if (!file) {
        const char* const name = kNames[next % kNames.size()];
        files_.unlinkat(folder_, name);  // should that fail: both are read, and both count
        return std::unexpected(std::move(file).error());
    }
    if (file_ >= 0) files_.close(file_);
    files_.unlinkat(folder_, kNames[keep_slot_]);
    file_ = *file;
    broken_ = false;
    number_ = next;
    keep_slot_ = next % kNames.size();
    bytes_ = image_bytes_ = image.size();
    return {};
}

Result<void> JournalFiles::append(std::string_view groups) {
    iovec part{const_cast<char*>(groups.data()), groups.size()};
    if (const int error = write_all(files_, file_, &part, 1, static_cast<off_t>(bytes_)); error != 0) {
        broken_ = true;
        return failed("write", error);
    }
    if (files_.fdatasync(file_) != 0) {
        broken_ = true;  // what the kernel could not write it may have forgotten: the file is not to be trusted any more
        return failed("fdatasync", errno);
    }
    bytes_ += groups.size();
    return {};
}

}  // namespace selvage::cache_store
