#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "server/http/message.h"
#include "server/http/output.h"
#include "server/loop/loop.h"
#include "server/loop/work_pool.h"

namespace selvage::http {

// What a limit was hit by; the name is the counter's label (protocol-and-limits §2, §3).
enum class LimitHit : std::uint8_t {
    RequestLine,
    HeaderBytes,
    HeaderFields,
    Continuations,
    Streams,
    RefusedStreams,
    RequestsPerConnection,
    Resets,
    EarlyResets,
    Glitches,
    Acknowledgements,
    KeyUpdates,
    Handshake,
    HeaderTime,
    HeaderBlockTime,
    Idle,
    IdlePings,
    WriteProgress,
    StreamWrite,
    WriteRate,
    ProxyHeader,
    Connections,
    ConnectionsShed,
    Descriptors,
    AddressConnections,
    AddressRate,
    ImageQueue,
    ImageHeavyQueue,
    ImageQueueTime,
    ImageSourceBytes,
    ImageSourcePixels,
    ImageSourceSide,
    ImageOutputPixels,
    ImageOutputSide,
    ImageFormatSide,
    ImageAvifPixels,
    ImageUpscale,
    ImageUpscalePixels,
    ImageDpr,
    ImageQueryBytes,
    ImageQueryParams,
    ImageFrames,
    ImageAnimationPixels,
    ImageAnimationOutput,
    ImageSvgBytes,
    ImageSvgElements,
    ImageSvgCpu,
    ImageWorkerCpu,
    ImageProcessTime,
    ImageRecycleJobs,
    ImageRecycleMemory,
    ImageVariants,
    ImageMisses,
    ImageSourceTime,
    ImageTotalTime,
    HintsFileBytes,
    HintsFiles,
    WorkQueue,
    CompressionQueue,
    DictionaryLargest,
    DictionaryOnTheFly,
    DictionaryAtOnce,
    Fills,
    kCount
};

// Told when something happens that is counted. One per loop.
class SessionObserver {
public:
    virtual ~SessionObserver() = default;
    virtual void limit_hit(LimitHit limit) = 0;
};

struct Http2Shared;  // what the HTTP/2 sessions of one loop share
std::shared_ptr<Http2Shared> make_http2_shared();

// What the sessions of one connection need from their surroundings; all of it outlives them.
struct SessionContext {
    loop::Loop& loop;
    loop::WorkPool& pool;
    Dispatcher& dispatcher;
    SessionObserver& observer;
    Http2Shared& http2;
    config::ConfigPtr config;  // the connection's limits: those it began with
    bool secure = false;
    std::string peer;                      // textual address
    std::move_only_function<void()> wake;  // something can be produced again; never called inside feed() or produce()
};

// What the connection must know to choose its deadline.
enum class Waiting : std::uint8_t {
    Greeting,     // nothing has been said yet: no request ever, no preface
    Nothing,      // idle: no request begun, none in progress
    RequestHead,  // a request has begun to arrive
    HeaderBlock,  // HTTP/2: HEADERS without END_HEADERS; timed by the session in tick()
    Handler,      // a handler works: its own deadlines count
    Peer,         // output is ready or blocked by flow control
};

// Bytes to requests and answers to bytes, for one connection. Knows no files, caches or configuration beyond its limits.
//
// The connection feeds what it received and lets it produce after each read; all answers that a read caused leave together.
class Session {
public:
    virtual ~Session() = default;

    // Takes received plain text. Returns how much was taken: less than given only while an HTTP/1 response is in the way (the
    // rest is offered again after produce()). Calls the dispatcher for each complete request.
    virtual std::size_t feed(std::string_view bytes) = 0;

    // Appends what can be sent now while the output has room.
    virtual void produce(Output& output) = 0;

    // Would produce() append anything?
    virtual bool wants_output() const = 0;

    // No new requests: GOAWAY or Connection: close; what is in progress ends. Asked again, a second later, it no longer waits for
    // the client's acknowledgement.
    virtual void drain() = 0;

    // Nothing will be said any more: flush and close.
    virtual bool finished() const = 0;

    // The next request may be the last, but whoever is between two is not cut off yet: what drain() would do after a grace.
    virtual void notice() { drain(); }

    virtual Waiting waiting() const = 0;

    // Requests that have begun since the connection did: while the number stays, nothing of use has come from the client.
    virtual std::uint64_t requests() const = 0;

    // About once a second, for deadlines of single streams. What it has to say then waits for produce().
    virtual void tick([[maybe_unused]] SteadyTime now) {}

    // Ends with an error the protocol has a word for (GOAWAY with a code, 408); flush and close afterwards.
    virtual void time_out() = 0;
};

std::unique_ptr<Session> make_http1_session(SessionContext& context);
std::unique_ptr<Session> make_http2_session(SessionContext& context);

// The 24 bytes that begin an HTTP/2 connection. RFC 9113 §3.4.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace selvage::http
