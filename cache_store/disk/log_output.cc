#include "cache_store/disk/log_output.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace selvage::cache_store {
namespace {

constexpr std::uint64_t block_of(std::uint64_t offset) { return offset / LogOutput::kBlock * LogOutput::kBlock; }

char* make_buffer() {
    void* const bytes = std::aligned_alloc(LogOutput::kCapacity, LogOutput::kCapacity);
    // Without huge pages it is slower, and right.
    if (bytes != nullptr) ::madvise(bytes, LogOutput::kCapacity, MADV_HUGEPAGE);
    return static_cast<char*>(bytes);
}

}  // namespace

int LogOutput::begin(std::uint32_t number, LogFilePtr file, std::uint64_t offset) {
    if (!buffer_) buffer_.reset(make_buffer());
    if (!buffer_) return ENOMEM;
    file_ = std::move(file);
    direct_ = open_file(home_.files, home_.folder.log.number(), segment_name(number), O_DIRECT);
    if (!direct_) refused(errno);
    const int fault = load(offset);
    if (fault != 0) end();
    return fault;
}

int LogOutput::load(std::uint64_t offset) {
    start_ = block_of(offset);
    used_ = written_ = static_cast<std::size_t>(offset - start_);
    return read_all(home_.files, file_->number(), buffer_.get(), used_, static_cast<off_t>(start_));
}

void LogOutput::end() {
    file_.reset();
    direct_.reset();
    used_ = written_ = 0;
}

char* LogOutput::extend(std::size_t bytes) {
    char* const room = buffer_.get() + used_;
    used_ += bytes;
    return room;
}

int LogOutput::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto some = bytes.substr(0, kCapacity - used_);
        std::memcpy(extend(some.size()), some.data(), some.size());
        bytes.remove_prefix(some.size());
        if (used_ < kCapacity) continue;
        if (const int fault = flush(); fault != 0) return fault;
    }
    return 0;
}

void LogOutput::skip_to(std::uint64_t offset) {
    if (block_of(offset) != start_) {
        start_ = block_of(offset);
        used_ = 0;
    }
    const auto gap = static_cast<std::size_t>(offset - start_) - used_;
    std::memset(extend(gap), 0, gap);
    written_ = used_;
}

int LogOutput::flush() {
    if (used_ == written_) return 0;
    const std::size_t bytes = (used_ + kBlock - 1) / kBlock * kBlock;
    std::memset(buffer_.get() + used_, 0, bytes - used_);
    if (const int fault = write(bytes); fault != 0) return fault;
    home_.contents->count(&DiskStats::device_bytes, bytes);
    const auto whole = static_cast<std::size_t>(block_of(used_));
    std::memmove(buffer_.get(), buffer_.get() + whole, used_ - whole);
    start_ += whole;
    used_ -= whole;
    written_ = used_;
    return 0;
}

int LogOutput::write(std::size_t bytes) {
    iovec all{.iov_base = buffer_.get(), .iov_len = bytes};
    if (direct_) {
        const int fault = write_all(home_.files, direct_->number(), &all, 1, static_cast<off_t>(start_));
        if (fault != EINVAL) return fault;
        // Not this way, or not at this alignment: also what is left of a write that fell short.
        refused(fault);
        direct_.reset();
        all = {.iov_base = buffer_.get(), .iov_len = bytes};
    }
    return write_all(home_.files, file_->number(), &all, 1, static_cast<off_t>(start_));
}

void LogOutput::refused(int fault) {
    if (std::exchange(told_, true)) return;
    home_.log.info(LogHome::kTopic, "direct writes to the disk are refused ({}); what is stored goes through the page cache",
                   std::generic_category().message(fault));
}

}  // namespace selvage::cache_store
