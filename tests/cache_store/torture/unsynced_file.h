#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/file_descriptor.h"
#include "tests/cache_store/torture/dice.h"

namespace selvage::torture {

// What a power loss does with the pages that were written, but not made durable.
enum class Loss : std::uint8_t {
    AllOld,  // nothing since the last fdatasync reached the device
    AllNew,  // everything did: the same as a kill
    Mixed,   // each page for itself is the old one, the new one, or torn between two sectors
};

// A real file, and what its pages held when it was last made durable.
class UnsyncedFile {
public:
    static constexpr std::size_t kPage = 4096, kSector = 512;

    // `synced_size`: what of it is durable already; 0 for a new one.
    UnsyncedFile(FileDescriptor file, off_t synced_size) : file_(std::move(file)), synced_size_(synced_size) {}

    int number() const { return file_.number(); }
    off_t size() const {
        struct stat now{};
        return ::fstat(file_.number(), &now) == 0 ? now.st_size : 0;
    }

    // Before a write there: what it hides until the next fdatasync.
    void before_write(std::uint64_t offset, std::uint64_t bytes) {
        if (bytes == 0) return;
        for (auto page = offset / kPage; page <= (offset + bytes - 1) / kPage; ++page) {
            auto& kept = before_[page];
            kept.doomed = false;
            if (kept.bytes.empty()) kept.bytes = read_page(page);
        }
    }
    void synced() {
        std::erase_if(before_, [](const auto& entry) { return !entry.second.doomed; });
        synced_size_ = size();
    }
    // The kernel calls the pages clean although they did not reach the device: no later fdatasync writes them.
    void sync_failed() {
        for (auto& [page, kept] : before_) kept.doomed = true;
    }

    void lose(Dice& dice, Loss loss) {
        const auto now = size();
        for (const auto& [page, kept] : before_) {
            if (kept.doomed) {
                write_page(page, kept.bytes);
            } else if (loss != Loss::AllNew) {
                write_page(page, loss == Loss::AllOld ? kept.bytes : mixed(page, kept.bytes, dice));
            }
        }
        const bool old_size = loss == Loss::AllOld || (loss == Loss::Mixed && dice.one_in(2));
        if (::ftruncate(file_.number(), old_size ? synced_size_ : now) != 0) std::abort();
        before_.clear();
        synced_size_ = size();
    }

private:
    struct Before {
        std::string bytes;
        bool doomed = false;
    };

    std::string read_page(std::uint64_t page) const {
        std::string bytes(kPage, '\0');
        if (::pread(file_.number(), bytes.data(), kPage, static_cast<off_t>(page * kPage)) < 0) std::abort();
        return bytes;
    }
    void write_page(std::uint64_t page, const std::string& bytes) const {
        if (::pwrite(file_.number(), bytes.data(), kPage, static_cast<off_t>(page * kPage)) < 0) std::abort();
    }
    std::string mixed(std::uint64_t page, const std::string& old, Dice& dice) const {
        const auto kind = dice.roll(3);
        if (kind == 0) return old;
        auto bytes = read_page(page);
        for (std::size_t sector = 0; kind == 1 && sector < kPage; sector += kSector) {
            if (dice.one_in(2)) bytes.replace(sector, kSector, old, sector, kSector);
        }
        return bytes;
    }

    FileDescriptor file_;
    off_t synced_size_;
    std::map<std::uint64_t, Before> before_;
};

}  // namespace selvage::torture
