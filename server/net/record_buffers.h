#pragma once

#include <array>
#include <cstddef>

namespace selvage::net {

class TlsChannel;

// OpenSSL's buffers for records, 34 KiB per connection. The first few connections of a loop that speak in a second keep theirs
// for its rest: to make and drop them each time is a twentieth of the instructions of a client that asks for one small thing
// after another. All others drop theirs themselves, as soon as they have spoken: to drop another's would touch what is in no
// cache, a microsecond a request with 1,000 connections; and the memory of 64 pairs could be seen per idle connection.
class RecordBuffers {
public:
    void keep(TlsChannel& channel);  // if there is room
    void forget(const TlsChannel& channel);
    void release_all();  // each second

private:
    static constexpr std::size_t kMost = 8;

    std::array<TlsChannel*, kMost> kept_{};
    std::size_t count_ = 0;  // of kept_; of these, who has left is null
};

}  // namespace selvage::net
