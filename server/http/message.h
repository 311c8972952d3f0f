#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "server/http/field_list.h"
#include "server/http/http2/head_block.h"
#include "server/http/priority.h"

// The vocabulary between sessions (which know bytes) and handlers (which know files and images).
namespace selvage::http {

enum class Method : std::uint8_t { Get, Head, Options, Post, Other };
enum class Protocol : std::uint8_t { Http10, Http11, Http2 };

// One request as it came. All views point into `storage`, which the session recycles: valid until the stream ends.
struct Request {
    Method method = Method::Get;
    Protocol protocol = Protocol::Http11;
    bool secure = false;
    std::string_view method_text;
    std::string_view authority;  // host[:port] of the target or the Host field; may be empty in HTTP/1.0
    std::string_view target;     // origin form, "/path?query", or "*"
    std::string_view peer;       // textual address of the client
    std::string_view body;       // when Dispatcher::takes_body() asked for it
    FieldList fields;
    SteadyTime received{};  // when its last header byte was read

    // The value of a field, or "" when absent. Repeated fields: sessions have joined them with ", " (cookie: "; ").
    std::string_view field(KnownName name) const {
        const Field* found = fields.find(name);
        return found ? found->value : std::string_view();
    }
    bool has(KnownName name) const { return fields.find(name) != nullptr; }
};

// The constant fields of a representation, built once and shared by all of its responses.
//
// Names are lower case. Not in it: content-length (the session writes the body's), date, connection.
class Head {
public:
    using Fields = std::vector<std::pair<std::string, std::string>>;
    explicit Head(Fields fields);
    Head(const Head&) = delete;
    Head& operator=(const Head&) = delete;

    const Fields& fields() const { return fields_; }
    std::string_view http1() const { return http1_; }    // "name: value\r\n" for each
    const HeadBlock& http2() const { return http2_; }    // the same in HPACK
    Urgency urgency() const { return urgency_; }         // of its body when the client has no say; by content-type
    std::string_view coding() const { return coding_; }  // content-encoding, a constant, when it is one that we know; "": none
    std::string_view field(std::string_view lower_case_name) const;

private:
    Fields fields_;
    std::string http1_;
    HeadBlock http2_;
    Urgency urgency_;
    std::string_view coding_;
};
using HeadPtr = std::shared_ptr<const Head>;

// The few fields that differ from request to request, without an allocation: at most 8, values together at most 512 bytes.
class SmallFields {
public:
    SmallFields() = default;
    // Only what is used is copied: answers pass through several hands.
    SmallFields(const SmallFields& other) { *this = other; }
    SmallFields& operator=(const SmallFields& other);

    // `name` must be a literal. False (and nothing added) when there is no room.
    bool add(std::string_view name, std::string_view value);
    std::size_t size() const { return count_; }
    Field at(std::size_t index) const {
        const Slot& slot = slots_[index];
        return {slot.name, {storage_.data() + slot.offset, slot.length}};
    }

private:
    struct Slot {
        std::string_view name;
        std::uint16_t offset;
        std::uint16_t length;
    };
    std::array<Slot, 8> slots_;  // NOLINT: the first count_ are set
    std::array<char, 512> storage_;
    std::uint16_t used_ = 0;
    std::uint8_t count_ = 0;
};

// An open file whose bytes may be sent in slices. Implemented by origins; deeply const, shared between threads.
class OpenFile {
public:
    virtual ~OpenFile() = default;
    virtual std::uint64_t size() const = 0;

    enum class Failure : std::uint8_t {
        WouldBlock,  // not in the page cache: read again on the work pool
        Changed,     // the file is no longer the version that was opened: the response must be cut off
        Broken,      // the disk failed
    };
    // Fills `into` from `offset`; the count is short only at the end of the file. read_now never blocks on the disk.
    virtual std::variant<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t size) const = 0;
    virtual std::variant<std::size_t, Failure> read_blocking(std::uint64_t offset, char* into, std::size_t size) const = 0;
};
using OpenFilePtr = std::shared_ptr<const OpenFile>;

class GrowingBody;

// A run of body bytes: of memory, or of a file.
struct Segment {
    BlobPtr bytes;     // set: memory
    OpenFilePtr file;  // set: file
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// A body: nothing, one segment (nearly always), several (multipart/byteranges), or one that is still being made and grows.
class Body {
public:
    static constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};

    Body() = default;
    explicit Body(BlobPtr bytes) {
        const std::uint64_t length = bytes->size();
        first_ = Segment{.bytes = std::move(bytes), .file = {}, .offset = 0, .length = length};
        length_ = length;
    }
    explicit Body(Segment segment) : first_(std::move(segment)), length_(first_.length) {}
    explicit Body(std::vector<Segment> segments);
    explicit Body(std::shared_ptr<GrowingBody> reader);  // as GrowingBody::reader_of gave it

    // Drops what it refers to; cheaper than assigning an empty one.
    void clear() {
        first_.bytes.reset();
        first_.file.reset();
        rest_.reset();
        length_ = 0;
    }

    // kUnknownLength of one that grows: it has no Content-Length, and no ranges.
    std::uint64_t length() const { return length_; }
    bool grows() const { return length_ == kUnknownLength; }

    // Of one that does not grow.
    std::size_t segments() const { return length_ == 0 ? 0 : 1 + (rest_ ? rest_->segments.size() : 0); }
    const Segment& segment(std::size_t index) const { return index == 0 ? first_ : rest_->segments[index - 1]; }

    // Of one that grows. What is read of it at present is its segment(0); whoever reads it puts one piece after another there.
    GrowingBody& growing() const { return *rest_->growing; }
    void show(BlobPtr piece);

private:
    // What few bodies have. Never changed: copies share it.
    struct Rest {
        std::vector<Segment> segments;
        std::shared_ptr<GrowingBody> growing;
    };

    Segment first_;
    std::shared_ptr<const Rest> rest_;
    std::uint64_t length_ = 0;
};

// What the cache had to say about a request: a field of the access log, the metrics and Cache-Status (RFC 9211).
enum class Verdict : std::uint8_t {
    None,       // not a cacheable matter (error, redirect, admin)
    Hit,        // answered from memory (or from the catalogue's file)
    DiskHit,    // read from the disk tier
    Miss,       // made for this request
    Coalesced,  // made for another request at the same time
    Bypass,     // a rule said so, or its source has enough variants stored
    Stale,      // one that is older than it should be, while a new one is made or cannot be (RFC 5861)
    Interim,    // what was made fast, while the best is made: a coding, an image
};
inline constexpr std::size_t kVerdicts = 8;
std::string_view name_of(Verdict verdict);
// The value of Cache-Status, which sessions write into every response: where the bytes came from. RFC 9211 §2.
std::string_view cache_status(Verdict verdict);

// A complete answer: costs the writer nothing to send.
struct Answer {
    std::uint16_t status = 200;
    Verdict verdict = Verdict::None;
    bool close = false;  // HTTP/1: close after it
    HeadPtr head;        // never null when it reaches a session
    SmallFields extra;
    Body body;
    std::optional<std::uint64_t> content_length;  // when it is not the body's: HEAD (the body is then empty)
    std::chrono::microseconds fill_time{0};       // spent on disk, encoding or transform; for the log
};

// An answer that finishes later. Dropping it cancels: the completion will not run after the destructor.
class PendingReply {
public:
    virtual ~PendingReply() = default;
    // Called once, by the session, after handle() returned. `done` runs on the same loop, never inside start().
    virtual void start(std::move_only_function<void(Answer)> done) = 0;

    // Nobody wants the answer any more. What has not begun need not; `done` is still called when nothing is done for it any more,
    // with any answer, and a client's slot is taken until then (protocol-and-limits §2: rapid reset). After start(), at most
    // once; `done` never runs inside it.
    virtual void withdraw() {}
};
using Pending = std::unique_ptr<PendingReply>;

using Reply = std::variant<Answer, Pending>;

// Logged and counted for a request whose client left before there was an answer; never sent. nginx's convention.
inline constexpr std::uint16_t kClientGone = 499;

// How an exchange went, for the log and the counters.
struct Outcome {
    std::uint16_t status = 0;
    Verdict verdict = Verdict::None;
    bool complete = false;  // the whole answer was handed to the transport
    std::uint64_t body_bytes = 0;
    std::string_view coding;  // of the body; "": none
    std::chrono::microseconds fill_time{0};
    SteadyTime first_byte{};  // when the head was produced
    SteadyTime finished{};
};

// What a session asks for each request it has parsed. One per loop; called only on that loop.
class Dispatcher {
public:
    virtual ~Dispatcher() = default;
    virtual Reply handle(const Request& request) = 0;

    // A request with a body has come, whose fields are known: how many bytes of it handle() wants to see. HTTP/1 sessions collect
    // them; one that is longer is answered with 413, one in chunks with 411. 0: handle() at once, and nobody reads the body.
    // HTTP/2 sessions do not ask: who takes bodies listens for HTTP/1.
    virtual std::uint64_t takes_body([[maybe_unused]] const Request& request) { return 0; }

    virtual void finished(const Request& request, const Outcome& outcome) = 0;
    virtual std::string_view date() = 0;  // the current Date field value, refreshed each second
};

}  // namespace selvage::http
