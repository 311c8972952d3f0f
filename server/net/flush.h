#pragma once

#include "server/http/output.h"
#include "server/loop/buffer_pool.h"
#include "server/net/tls.h"

namespace selvage::net {

// One flush: a buffer being filled by the session, in plain or through TLS.
class Flush : public http::Output {
public:
    // `target`: how many bytes it should be at most, without what is only referred to; loop::Buffer::kTarget or less.
    Flush(loop::Buffer& buffer, std::size_t target) : buffer_(buffer), target_(target) {}
    virtual void seal() = 0;  // what is staged goes into the buffer

    // A session ignored room(): the connection cannot be saved, the process can.
    bool overflown() const { return overflown_; }

protected:
    void put(std::string_view bytes) { overflown_ |= !buffer_.append(bytes); }
    std::size_t space() const { return left_of(target_, buffer_.copied()); }
    static std::size_t left_of(std::size_t limit, std::size_t used) { return used < limit ? limit - used : 0; }

    loop::Buffer& buffer_;

private:
    std::size_t target_;
    bool overflown_ = false;
};

class PlainFlush final : public Flush {
public:
    explicit PlainFlush(loop::Buffer& buffer) : Flush(buffer, loop::Buffer::kTarget) {}
    std::size_t room() const override { return space(); }
    void append(std::string_view bytes) override { put(bytes); }
    std::size_t room_shared() const override;
    void append_shared(const BlobPtr& blob, std::string_view run) override;
    void seal() override {}
};

// Full 16 KiB records across frames: 1,370-byte records cost 1.9 times as much. A client can use nothing of a record before its
// last byte is there, and 16 KiB are more than the first round trip of a connection carries: what comes early goes in quarters of
// that.
class SealedFlush final : public Flush, TlsChannel::Sink {
public:
    static constexpr std::size_t kRecord = 16'384;
    static constexpr std::size_t kEarlyRecord = 4'096;
    static constexpr std::size_t kEarly = 16'384;

    // `record` holds kRecord bytes. `early` is what is left of kEarly since the connection began or was idle; counted down.
    SealedFlush(loop::Buffer& buffer, std::size_t target, TlsChannel& channel, char* record, std::size_t& early);
    ~SealedFlush() override;
    std::size_t room() const override { return left_of(space(), staged_); }
    void append(std::string_view bytes) override;
    void seal() override;

private:
    void take(std::string_view records) override { put(records); }
    void seal(std::string_view plain);
    std::size_t record_size() const { return early_ > 0 ? kEarlyRecord : kRecord; }

    TlsChannel& channel_;
    char* record_;
    std::size_t& early_;
    std::size_t staged_ = 0;
};

}  // namespace selvage::net
