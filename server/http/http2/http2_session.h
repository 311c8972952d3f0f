#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http2/conduct.h"
#include "server/http/http2/frame_reader.h"
#include "server/http/http2/frames.h"
#include "server/http/http2/head_block.h"
#include "server/http/http2/hpack_decoder.h"
#include "server/http/http2/request_fields.h"
#include "server/http/http2/send_queue.h"
#include "server/http/http2/shared.h"
#include "server/http/http2/window_watch.h"
#include "server/http/session.h"

namespace selvage::http::h2 {

// HTTP/2 (RFC 9113) with the priorities of RFC 9218. Frames, states, windows and HPACK are ours, which nghttp2
// does in three times the time and twice the memory: see the README. It still encodes heads and knows which bytes a field may
// have.
//
// A request is dispatched inside feed(); its answer waits in the queue until produce(), so that everything one read caused leaves
// in one write. Three files: http2_session.cc (life and streams), http2_receive.cc (frames), http2_send.cc (answers).
class Http2Session final : public Session {
public:
    explicit Http2Session(SessionContext& context);
    ~Http2Session() override;

    std::size_t feed(std::string_view bytes) override;
    void produce(Output& output) override;
    bool wants_output() const override;
    void drain() override;
    bool finished() const override;
    Waiting waiting() const override;
    std::uint64_t requests() const override { return requests_; }
    void tick(SteadyTime now) override;
    void time_out() override;

private:
    // --- http2_session.cc
    const config::Http2& limits() const { return context_.config->http2; }
    void announce();
    void last_goaway();
    void abandon_streams();
    void end(ErrorCode code);     // a connection error: GOAWAY, then nothing more
    void end(LimitHit deadline);  // the same for a client that is too slow

    Stream* find(std::uint32_t id) const;
    Stream& open(std::uint32_t id);
    void close(Stream& stream);
    void withdraw(Stream& stream);
    void release(Stream& stream);                // nobody works on it any more
    void reset(Stream& stream, ErrorCode code);  // RST_STREAM, whether or not there was an answer
    void reset_closed(std::uint32_t id, ErrorCode code);
    void report(Stream& stream, bool complete);
    void remember_reset(std::uint32_t id);
    bool was_reset(std::uint32_t id) const;
    // False: that was too much, the connection is ended.
    bool calm(LimitHit hit);
    bool blame(const Stream* stream);  // a reset, the client's or for its fault; null: of a stream that is over
    static constexpr std::size_t kMuchControl = 2'048;
    void bound_control();  // asked when there is more than that
    bool glitch(Glitch glitch) { return calm(conduct_.glitch(glitch, now_)); }
    LimitHit too_slow(Stream& stream);
    LimitHit too_slow();  // the connection's window

    // --- http2_receive.cc
    bool take(const FrameHeader& header, std::string_view payload);  // false: the connection is over
    void take_data(const FrameHeader& header, std::string_view payload);
    void data_of_closed(std::uint32_t id, Stream* stream);
    void take_headers(const FrameHeader& header, std::string_view payload);
    void take_continuation(const FrameHeader& header, std::string_view payload);
    void take_priority(const FrameHeader& header, std::string_view payload);
    void take_reset(const FrameHeader& header, std::string_view payload);
    void take_settings(const FrameHeader& header, std::string_view payload);
    bool take_setting(std::uint16_t name, std::uint32_t value);
    void acknowledge(FrameType type, std::string_view payload);
    void take_ping(const FrameHeader& header, std::string_view payload);
    void take_window_update(const FrameHeader& header, std::string_view payload);
    void take_priority_update(const FrameHeader& header, std::string_view payload);
    bool unpad(const FrameHeader& header, std::string_view& payload);
    BlockStatus decode(std::string_view block, RequestFields* fields);
    void headers_complete(std::string_view block);
    void request_begins(std::string_view block);
    void trailers(Stream& stream, std::string_view block);
    void dispatch(Stream& stream);
    void request_ended(Stream& stream);
    void give_back(std::size_t received);  // to the client's connection window
    bool resize_send_windows(std::uint32_t initial);

    // --- http2_send.cc
    void respond(Stream& stream, Answer&& answer);
    void prioritise(Stream& stream);
    void change_priority(Stream& stream, Priority priority);
    void queue(Stream& stream);  // when it has something that may be sent
    void write_control(Output& output);
    void write_head(Stream& stream, Output& output);
    std::size_t head_bound(const Answer& answer) const;
    char* put_head(const Stream& stream, char* at);
    void write_data(Stream& stream, Output& output);
    void fill(Stream& stream);
    void sent(Stream& stream);  // END_STREAM has been written

    struct EarlyPriority {
        std::uint32_t id;
        Priority priority;
    };

    SessionContext& context_;
    FrameReader reader_;
    HpackDecoder decoder_;
    SharedFieldTable shared_fields_;
    SendQueue queue_;
    std::vector<Stream*> streams_;    // by id; lent by the pool until close() …
    std::vector<Stream*> withdrawn_;  // … or release(): until then they count
    std::string control_;             // frames that go before everything else; bounded
    std::string block_;               // a header block that did not come in one frame …
    std::uint32_t block_stream_ = 0;  // … on this stream; 0: none
    std::uint8_t block_flags_ = 0;
    SteadyTime block_since_{};
    unsigned continuations_ = 0;
    std::vector<std::uint32_t> resets_;            // ids of the last streams that we ended: frames may still come
    std::vector<EarlyPriority> early_priorities_;  // of streams that do not exist yet. RFC 9218 §7.1
    std::size_t next_reset_ = 0;

    std::uint32_t last_stream_ = 0;  // the highest id that a client has used
    std::uint32_t goaway_stream_ = kStreamIds;
    std::uint32_t initial_send_window_ = kDefaultWindow;
    std::int64_t send_window_ = kDefaultWindow;
    std::int64_t receive_window_ = kDefaultWindow;
    std::uint64_t window_given_ = kDefaultWindow;  // by the client, ever: send_window_ and what has been sent
    WindowWatch watch_;
    std::uint32_t unreturned_ = 0;         // received, not yet given back
    std::uint32_t responding_ = 0;         // streams with an answer …
    std::uint32_t awaiting_producer_ = 0;  // … of which those wait for more of it
    std::uint32_t requests_ = 0;
    std::uint64_t late_updates_ = 0;  // WINDOW_UPDATE on streams that have ended
    Conduct conduct_;
    SteadyTime now_{};  // of the current read, write or tick
    bool settings_seen_ = false;
    bool settings_acknowledged_ = false;  // ours, by the client
    bool client_prioritises_ = false;     // it has sent a signal: its silence means the default
    bool draining_ = false;
    bool ended_ = false;
};

}  // namespace selvage::http::h2
