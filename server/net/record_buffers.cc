#include "server/net/record_buffers.h"

#include <algorithm>
#include <utility>

#include "server/net/tls.h"

namespace selvage::net {

void RecordBuffers::keep(TlsChannel& channel) {
    if (channel.keeps_buffers() || count_ == kMost) return;
    kept_[count_++] = &channel;
    channel.keep_buffers_in(this);
}

void RecordBuffers::forget(const TlsChannel& channel) { std::ranges::replace(kept_, &channel, nullptr); }

void RecordBuffers::release_all() {
    for (std::size_t i = 0; i < count_; ++i) {
        TlsChannel* const channel = std::exchange(kept_[i], nullptr);
        if (!channel) continue;
        channel->keep_buffers_in(nullptr);
        channel->release_buffers();
    }
    count_ = 0;
}

}  // namespace selvage::net
