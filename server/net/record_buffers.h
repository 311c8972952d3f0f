#pragma once

#include <array>
#include <cstddef>

namespace selvage::net {

class TlsChannel;

// OpenSSL's buffers for records, 34 KiB per connection: those connections of a loop that spoke last keep theirs for the next
// record. All others have none, nor has anyone a second after its last one. To make and drop them with each record
// (SSL_MODE_RELEASE_BUFFERS) is every fifteenth instruction of a client that asks for one small thing after another.
class RecordBuffers {
public:
    void keep(TlsChannel& channel);  // it is about to be used
    void forget(const TlsChannel& channel);
    void release_all();  // each second

private:
    static constexpr std::size_t kMost = 64;

    std::array<TlsChannel*, kMost> kept_{};  // in turns
    std::size_t next_ = 0;
};

}  // namespace selvage::net
