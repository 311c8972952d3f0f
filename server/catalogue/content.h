#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "server/origins/folder.h"
#include "transforms/probe.h"

namespace selvage::catalogue {

// A share of the memory that contents may take up; given back when it is destroyed. Moves, never copies.
class MemoryShare {
public:
    using Used = std::shared_ptr<std::atomic<std::uint64_t>>;

    MemoryShare() = default;
    // Empty (bytes() 0) when it would go beyond `most`.
    static MemoryShare take(const Used& used, std::uint64_t bytes, std::uint64_t most);
    MemoryShare(MemoryShare&& other) noexcept : used_(std::move(other.used_)), bytes_(std::exchange(other.bytes_, 0)) {}
    MemoryShare& operator=(MemoryShare&& other) noexcept {
        std::swap(used_, other.used_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~MemoryShare() {
        if (bytes_ != 0) used_->fetch_sub(bytes_, std::memory_order_relaxed);
    }

    std::uint64_t bytes() const { return bytes_; }

private:
    Used used_;
    std::uint64_t bytes_ = 0;
};

// What reading a file's bytes tells about them.
struct ContentFacts {
    Sha256 hash;
    std::optional<transforms::Probe> image;  // of the first 64 KiB, or of all when they were kept
    bool saves_by_coding = false;            // a sample of the first 64 KiB lost at least a tenth. static-delivery §3
};

struct Content {
    origins::FileVersion version;  // the same before and after the reading
    ContentFacts facts;
    BlobPtr bytes;         // when they were to be kept
    bool settled = false;  // last changed long enough ago that another change must leave another version
};

// What to find out beyond the hash.
struct Curiosity {
    bool keep = false;
    bool probe = false;
    bool sample = false;
};

// Reads a whole file and hashes it. Never a mixture of two versions: a file that changes while it is read is read again, up to
// four times. Blocks. `wall_ns`: now, since 1970. Errors: Overloaded for one that never stands still, Internal for a failing
// disk.
Result<Content> read_content(int descriptor, Curiosity curiosity, std::int64_t wall_ns);

// Is a change at `changed_ns` old enough at `wall_ns` that a later one has another ctime? Two seconds: FAT's granularity, far
// above that of every file system that we watch (Linux: 10 ms).
bool is_settled(std::int64_t changed_ns, std::int64_t wall_ns);
inline constexpr std::int64_t kSettlingNs = 2'000'000'000;

// The facts of file versions that were read before: a file that is met again under another name, or after it was forgotten, is
// not hashed again. Bounded; thread-safe. Only settled versions may be added.
class KnownContents {
public:
    explicit KnownContents(std::size_t most) : most_(most) {}
    std::optional<ContentFacts> find(const origins::FileVersion& version) const;
    void add(const origins::FileVersion& version, const ContentFacts& facts);

private:
    struct Hash {
        std::size_t operator()(const origins::FileVersion& version) const;
    };
    // Names of a file come and go without touching its content.
    struct Same {
        bool operator()(const origins::FileVersion& left, const origins::FileVersion& right) const;
    };
    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<origins::FileVersion, ContentFacts, Hash, Same> known_;
};

}  // namespace selvage::catalogue
