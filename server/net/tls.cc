#include "server/net/tls.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace selvage::net {

namespace {

std::string last_error() {
    char text[256] = "unknown error";
    if (const unsigned long code = ERR_peek_last_error()) ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return text;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
    static constexpr unsigned char kOffered[] = "\x02h2\x08http/1.1";
    unsigned char* chosen = nullptr;
    const int outcome = SSL_select_next_proto(&chosen, out_size, kOffered, sizeof kOffered - 1, in, in_size);
    *out = chosen;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 §3.2
}

// Seals a ticket, or opens one: 0 when it cannot be opened, which leads to a full handshake.
// Source: SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
    static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);  // looked up once: it takes a lock
    auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const auto key = seal ? keys.current() : keys.find(std::span<const unsigned char, 16>(name, 16));
    if (!key) return 0;
    if (seal) {
        std::ranges::copy(key->name, name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(kCipher)) != 1) return -1;
    }
    auto mac_key = key->mac;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.data(), mac_key.size()),
                                     OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    const bool ready = EVP_CipherInit_ex(cipher, kCipher, nullptr, key->cipher.data(), iv, seal) == 1 &&
                       EVP_MAC_CTX_set_params(mac, parameters) == 1;
    return ready ? 1 : -1;
}

void configure(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_PRIORITIZE_CHACHA);
    // RFC 9113 appendix A forbids everything else in TLS 1.2.
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    // AES-128 first: a fifth less work per byte than AES-256, and no known difference to an attacker.
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets only: no state per client
    static constexpr unsigned char kSessionContext[] = "selvage";
    SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
    SSL_CTX_set_timeout(context, std::chrono::seconds(TicketKeys::kTicketLifetime).count());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const std::string& certificate_file, const std::string& key_file,
                                                           TlsOptions options) {
    ERR_clear_error();
    SSL_CTX* native = SSL_CTX_new(TLS_server_method());
    std::shared_ptr<const TlsContext> context(new TlsContext(native, std::move(options)));
    configure(native);
    SSL_CTX_set_app_data(native, context->options_.ticket_keys.get());
    SSL_CTX_set_info_callback(native, TlsChannel::on_event);
    if (SSL_CTX_use_certificate_chain_file(native, certificate_file.c_str()) != 1) {
        return fail(ErrorKind::BadRequest, fmt::format("certificate {}: {}", certificate_file, last_error()));
    }
    if (SSL_CTX_use_PrivateKey_file(native, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fail(ErrorKind::BadRequest, fmt::format("key {}: {}", key_file, last_error()));
    }
    if (SSL_CTX_check_private_key(native) != 1) {
        return fail(ErrorKind::BadRequest, fmt::format("key {} does not belong to certificate {}", key_file, certificate_file));
    }
    return context;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

// OpenSSL's view of a TlsChannel: reads from the slice that is being fed, writes into the connection's output.
struct BioMethod {
    static TlsChannel& channel(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, int capacity) {
        BIO_clear_retry_flags(bio);
        std::string_view& input = channel(bio).input_;
        if (input.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t size = std::min(static_cast<std::size_t>(capacity), input.size());
        std::memcpy(into, input.data(), size);
        input.remove_prefix(size);
        return static_cast<int>(size);
    }

    static int write(BIO* bio, const char* from, int size) {
        BIO_clear_retry_flags(bio);
        channel(bio).sink_->take({from, static_cast<std::size_t>(size)});
        return size;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO_METHOD* make() {
        BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "selvage connection");
        BIO_meth_set_read(method, read);
        BIO_meth_set_write(method, write);
        BIO_meth_set_ctrl(method, control);
        return method;
    }
};

TlsChannel::TlsChannel(TlsContextPtr context) : context_(std::move(context)), ssl_(SSL_new(context_->native())) {
    static BIO_METHOD* const kMethod = BioMethod::make();  // lives as long as the process, as OpenSSL's own methods do
    BIO* bio = BIO_new(kMethod);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);  // takes ownership
    SSL_set_app_data(ssl_, this);
    SSL_set_accept_state(ssl_);
}

TlsChannel::~TlsChannel() {
    if (keeper_) keeper_->forget(*this);
    SSL_free(ssl_);
}

void TlsChannel::release_buffers() { SSL_free_buffers(ssl_); }

TlsChannel::Step TlsChannel::handshake() {
    ERR_clear_error();
    const int code = SSL_do_handshake(ssl_);
    if (code == 1) {
        ERR_clear_error();  // it may have tried what did not work, as a ticket of before the last restart
        handshake_done_ = true;
        return Step::Done;
    }
    if (SSL_get_error(ssl_, code) == SSL_ERROR_WANT_READ) return Step::NeedsInput;
    failure_ = last_error();
    return Step::Failed;
}

// After the handshake, a client's message can only be an update of its keys (RFC 8446 §4.6.3), which makes us derive others and
// may make us answer, or a hello that wishes to renegotiate, which is refused with an alert. OpenSSL does not count them and
// would read on within one call; without input it cannot. Records of data do not come here.
void TlsChannel::on_event(const SSL* ssl, int where, int) {
    auto* channel = static_cast<TlsChannel*>(SSL_get_app_data(ssl));
    if (where != SSL_CB_ACCEPT_LOOP || !channel || !channel->handshake_done_) return;
    const OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    if (state != TLS_ST_SR_KEY_UPDATE && state != TLS_ST_SR_CLNT_HELLO) return;
    if (++channel->key_updates_ > channel->context_->options().key_updates) channel->input_ = {};
}

bool TlsChannel::selected_h2() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return size == 2 && std::memcmp(name, "h2", 2) == 0;
}

// The queue of errors is empty here: whatever fails below empties it, and doing so for each record would be 3 % of a request's
// instructions.
TlsChannel::Step TlsChannel::read(char* into, std::size_t capacity, std::size_t* size) {
    const int code = SSL_read(ssl_, into, static_cast<int>(capacity));
    if (code > 0) {
        *size = static_cast<std::size_t>(code);
        return Step::Done;
    }
    if (key_updates_ > context_->options().key_updates) {
        ERR_clear_error();
        return Step::TooManyUpdates;
    }
    switch (SSL_get_error(ssl_, code)) {
        case SSL_ERROR_WANT_READ:
            return Step::NeedsInput;
        case SSL_ERROR_ZERO_RETURN:
            return Step::Closed;
        default:
            failure_ = last_error();
            return Step::Failed;
    }
}

bool TlsChannel::write(std::string_view plain) {
    if (SSL_write(ssl_, plain.data(), static_cast<int>(plain.size())) == static_cast<int>(plain.size())) return true;
    ERR_clear_error();
    return false;
}

void TlsChannel::close_notify() {
    if (handshake_done_) SSL_shutdown(ssl_);
    ERR_clear_error();
}

std::string TlsChannel::failure() const { return failure_; }

}  // namespace selvage::net
