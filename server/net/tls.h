#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "server/net/record_buffers.h"
#include "server/net/ticket_keys.h"

struct ssl_ctx_st;
struct ssl_st;

namespace selvage::net {

struct TlsOptions {
    std::shared_ptr<TicketKeys> ticket_keys = std::make_shared<TicketKeys>();  // of the context before, to resume its sessions
    unsigned key_updates = 64;                                                 // tls.key_updates
};

// Certificates, keys and the protocol settings of HTTPS listeners. Deeply const after loading; shared by all loops and by every
// connection that was made with it.
//
// TLS 1.2 and 1.3, the server's cipher order, X25519 first (357 µs per handshake against 421 for P-256), one ticket per handshake
// (two cost 10 %), sealed with keys of our own; no early data (0-RTT); ALPN h2 and http/1.1. RFC
// 9113 §9.2 profile: no renegotiation, no compression.
class TlsContext {
public:
    // Errors: BadRequest naming the file and OpenSSL's reason.
    static Result<std::shared_ptr<const TlsContext>> load(const std::string& certificate_file, const std::string& key_file,
                                                          TlsOptions options = {});
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    ssl_ctx_st* native() const { return context_; }
    const TlsOptions& options() const { return options_; }

private:
    TlsContext(ssl_ctx_st* context, TlsOptions options) : context_(context), options_(std::move(options)) {}
    ssl_ctx_st* context_;
    TlsOptions options_;
};
using TlsContextPtr = std::shared_ptr<const TlsContext>;

// The server's side of one TLS connection, over bytes that the connection hands in and takes out (a BIO of our own: SSL_set_fd
// costs a system call per record, a memory BIO 9 %).
class TlsChannel {
public:
    // Where sealed records go.
    class Sink {
    public:
        virtual ~Sink() = default;
        virtual void take(std::string_view records) = 0;
    };

    explicit TlsChannel(TlsContextPtr context);
    ~TlsChannel();
    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;

    // Sealed bytes from the peer that the next calls may read; valid until they return. What was not read is input_left().
    void set_input(std::string_view sealed) { input_ = sealed; }
    std::string_view input_left() const { return input_; }
    void set_sink(Sink* sink) { sink_ = sink; }  // must be set whenever a call below is made

    enum class Step : std::uint8_t {
        Done,
        NeedsInput,
        Closed,
        Failed,
        TooManyUpdates,  // of the keys: TlsOptions::key_updates. Nothing more is read
    };
    Step handshake();
    bool handshake_done() const { return handshake_done_; }
    bool selected_h2() const;

    // Opens records into `into`. Done: *size > 0 bytes.
    Step read(char* into, std::size_t capacity, std::size_t* size);

    // Seals as one record; at most 16 KiB.
    bool write(std::string_view plain);

    // Of records. Released unless half a record waits in them, and made anew when they are needed.
    void keep_buffers_in(RecordBuffers* keeper) { keeper_ = keeper; }
    bool keeps_buffers() const { return keeper_ != nullptr; }
    void release_buffers();

    void close_notify();
    std::string failure() const;  // OpenSSL's reason of the last Failed, for the log

private:
    friend struct BioMethod;
    friend class TlsContext;
    static void on_event(const ssl_st* ssl, int where, int value);
    TlsContextPtr context_;  // outlives the SSL object
    ssl_st* ssl_;
    std::string_view input_;
    Sink* sink_ = nullptr;
    RecordBuffers* keeper_ = nullptr;
    bool handshake_done_ = false;
    unsigned key_updates_ = 0;  // and attempts to renegotiate
    std::string failure_;
};

}  // namespace selvage::net
