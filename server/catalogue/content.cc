#include "server/catalogue/content.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "transforms/encodings/encodings.h"

namespace selvage::catalogue {
namespace {

constexpr std::size_t kSample = 64 << 10;
constexpr std::size_t kSlice = 256 << 10;  // beyond it larger reads were no faster
constexpr int kAttempts = 4;

struct Reading {
    std::string head;  // the whole content when it is kept, else its first kSample bytes
    Sha256 hash;
    bool complete = false;
};

Result<Reading> read_once(int descriptor, std::uint64_t size, bool keep) {
    Reading reading;
    Sha256Stream hash;
    const std::size_t kept = static_cast<std::size_t>(keep ? size : std::min<std::uint64_t>(size, kSample));
    reading.head.reserve(kept);
    std::vector<char> buffer(static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, kSlice)));
    for (std::uint64_t offset = 0; offset < size;) {
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - offset));
        const ssize_t count = ::pread(descriptor, buffer.data(), wanted, static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(ErrorKind::Internal, std::string("reading a file: ") + std::strerror(errno));
        if (count == 0) return reading;  // it became shorter
        const std::string_view slice(buffer.data(), static_cast<std::size_t>(count));
        hash.update(slice);
        reading.head.append(slice.substr(0, kept - reading.head.size()));
        offset += slice.size();
    }
    reading.hash = hash.finish();
    reading.complete = true;
    return reading;
}

bool sample_saves(std::string_view head) {
    const std::string_view sample = head.substr(0, kSample);
    if (sample.empty()) return false;
    const auto coded = transforms::row_of(transforms::Coding::Zstd).encode(sample, transforms::Effort::First);
    return coded && coded->size() * 10 <= sample.size() * 9;
}

}  // namespace

MemoryShare MemoryShare::take(const Used& used, std::uint64_t bytes, std::uint64_t most) {
    MemoryShare share;
    std::uint64_t before = used->load(std::memory_order_relaxed);
    do {
        if (bytes > most || before > most - bytes) return share;
    } while (!used->compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
    share.used_ = used;
    share.bytes_ = bytes;
    return share;
}

bool is_settled(std::int64_t changed_ns, std::int64_t wall_ns) { return wall_ns - changed_ns > kSettlingNs; }

Result<Content> read_content(int descriptor, Curiosity curiosity, std::int64_t wall_ns) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto before = TRY(origins::version_of(descriptor));
        Reading reading = TRY(read_once(descriptor, before.size, curiosity.keep));
        const auto after = TRY(origins::version_of(descriptor));
        if (!reading.complete || after != before) continue;

        Content content{.version = after, .facts = {.hash = reading.hash}, .settled = is_settled(after.changed_ns, wall_ns)};
        if (curiosity.probe) content.facts.image = transforms::probe(reading.head);
        if (curiosity.sample) content.facts.saves_by_coding = sample_saves(reading.head);
        if (curiosity.keep) content.bytes = make_blob(std::move(reading.head));
        return content;
    }
    return fail(ErrorKind::Overloaded, "the file keeps changing while it is read");
}

std::size_t KnownContents::Hash::operator()(const origins::FileVersion& version) const {
    std::size_t mixed = static_cast<std::size_t>(version.inode);
    for (const std::int64_t part : {version.changed_ns, version.modified_ns, static_cast<std::int64_t>(version.size)}) {
        mixed = (mixed ^ static_cast<std::size_t>(part)) * 0x9E3779B97F4A7C15ULL;
    }
    return mixed;
}

bool KnownContents::Same::operator()(const origins::FileVersion& left, const origins::FileVersion& right) const {
    return left.inode == right.inode && left.device == right.device && left.size == right.size &&
           left.modified_ns == right.modified_ns && left.changed_ns == right.changed_ns;
}

std::optional<ContentFacts> KnownContents::find(const origins::FileVersion& version) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(version);
    return known != known_.end() ? std::optional(known->second) : std::nullopt;
}

void KnownContents::add(const origins::FileVersion& version, const ContentFacts& facts) {
    const std::lock_guard lock(mutex_);
    // Any one will do: what it costs is to hash one file again.
    if (known_.size() >= most_ && !known_.empty()) known_.erase(known_.begin());
    known_.insert_or_assign(version, facts);
}

}  // namespace selvage::catalogue
