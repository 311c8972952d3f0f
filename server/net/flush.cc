#include "server/net/flush.h"

#include <algorithm>
#include <cstring>

namespace selvage::net {

namespace {

// Below, a copy beside the head costs less than a piece of its own.
constexpr std::size_t kReferFrom = 16 * 1024;
// From here on two more system calls cost less than a copy.
constexpr std::size_t kPagesFrom = 64 * 1024;
// What is only referred to takes no memory; this much at a time leaves the other connections their turn.
constexpr std::size_t kSharedTarget = 1024 * 1024;

}  // namespace

std::size_t PlainFlush::room_shared() const {
    if (!buffer_.takes_shared()) return space();
    return space() == 0 ? 0 : left_of(kSharedTarget, buffer_.size());
}

void PlainFlush::append_shared(const BlobPtr& blob, std::string_view run) {
    if (run.size() < kReferFrom) return put(run);
    const bool by_pages = run.size() >= kPagesFrom && blob->has_own_pages();
    if (!buffer_.append({.bytes = run, .keeps = blob, .by_pages = by_pages})) put(run);
}

SealedFlush::SealedFlush(loop::Buffer& buffer, std::size_t target, TlsChannel& channel, char* record, std::size_t& early)
    : Flush(buffer, target), channel_(channel), record_(record), early_(early) {
    channel_.set_sink(this);
}

SealedFlush::~SealedFlush() { channel_.set_sink(nullptr); }

void SealedFlush::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t whole = record_size();
        if (staged_ == 0 && bytes.size() >= whole) {  // straight from the object
            seal(bytes.substr(0, whole));
            bytes.remove_prefix(whole);
            continue;
        }
        const std::size_t size = std::min(whole - staged_, bytes.size());
        std::memcpy(record_ + staged_, bytes.data(), size);
        staged_ += size;
        bytes.remove_prefix(size);
        if (staged_ == whole) seal();
    }
}

void SealedFlush::seal() {
    if (staged_ > 0) seal({record_, staged_});
    staged_ = 0;
}

void SealedFlush::seal(std::string_view plain) {
    channel_.write(plain);
    early_ -= std::min(early_, plain.size());
}

}  // namespace selvage::net
