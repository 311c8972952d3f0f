#include "server/net/record_buffers.h"

#include <algorithm>
#include <utility>

#include "server/net/tls.h"

namespace selvage::net {

void RecordBuffers::keep(TlsChannel& channel) {
    if (channel.keeps_buffers()) return;
    TlsChannel* const before = std::exchange(kept_[next_], &channel);
    next_ = (next_ + 1) % kMost;
    if (before) before->keep_buffers_in(nullptr);
    channel.keep_buffers_in(this);
}

void RecordBuffers::forget(const TlsChannel& channel) { std::ranges::replace(kept_, &channel, nullptr); }

void RecordBuffers::release_all() {
    for (TlsChannel*& channel : kept_) {
        if (channel) std::exchange(channel, nullptr)->keep_buffers_in(nullptr);
    }
}

}  // namespace selvage::net
