#pragma once

#include <catch2/catch.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "server/net/tls.h"

namespace selvage::testing {

// The client's end of a TLS connection, by OpenSSL over memory.
class TlsClient {
public:
    // `protocols` in the form of RFC 7301 §3.1: "\x02h2"; "" offers none.
    explicit TlsClient(std::string_view protocols, int most = TLS1_3_VERSION, const char* ciphers = nullptr)
        : context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_max_proto_version(context_.get(), most);
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
        SSL_CTX_set_security_level(context_.get(), 0);
        if (ciphers) SSL_CTX_set_cipher_list(context_.get(), ciphers);
        ssl_.reset(SSL_new(context_.get()));
        if (!protocols.empty()) {
            SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
        }
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl_.get(), in_, out_);  // takes both
        SSL_set_connect_state(ssl_.get());
    }

    void hear(std::string_view records) {
        if (!records.empty()) BIO_write(in_, records.data(), static_cast<int>(records.size()));
    }
    std::string say() {
        std::string records(BIO_ctrl_pending(out_), '\0');
        if (!records.empty()) BIO_read(out_, records.data(), static_cast<int>(records.size()));
        return records;
    }
    bool handshake() {
        ERR_clear_error();
        return SSL_do_handshake(ssl_.get()) == 1;
    }
    void write(std::string_view plain) {
        if (!plain.empty()) SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
    }
    std::string read() {
        std::string plain;
        char block[16'384];
        ERR_clear_error();
        for (int size; (size = SSL_read(ssl_.get(), block, sizeof block)) > 0;)
            plain.append(block, static_cast<std::size_t>(size));
        return plain;
    }
    bool closed() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
    void close() { SSL_shutdown(ssl_.get()); }
    std::string protocol() const {
        const unsigned char* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &name, &size);
        return {reinterpret_cast<const char*>(name), size};
    }
    SSL* native() const { return ssl_.get(); }

private:
    struct FreeContext {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    std::unique_ptr<SSL_CTX, FreeContext> context_;
    std::unique_ptr<SSL, Free> ssl_;
    BIO* in_ = nullptr;
    BIO* out_ = nullptr;
};

}  // namespace selvage::testing
