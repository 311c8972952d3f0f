#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "tests/server/http_sessions/http2_peer.h"
#include "tests/server/net/tls_client.h"

namespace selvage::testing {

// One request, and the status that it is answered with.
struct Ask {
    std::string path;
    Http2Peer::Fields fields;
    std::string method = "GET";
    std::string status = "200";
};

// A client's socket, with TLS or without, that never waits: the test turns the server's loop meanwhile.
class Wire {
public:
    Wire(std::uint16_t port, bool secure, std::string_view protocol)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          tls_(secure ? std::make_unique<TlsClient>(protocol) : nullptr) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
        ::fcntl(socket_.number(), F_SETFL, O_NONBLOCK);
    }

    bool open() {  // true: the handshake is over
        if (!tls_) return true;
        tls_->hear(receive());
        const bool done = tls_->handshake();
        transmit(tls_->say());
        return done;
    }
    void write(std::string_view plain) {
        if (!tls_) return transmit(plain);
        tls_->write(plain);
        transmit(tls_->say());
    }
    std::string read() {
        if (!tls_) return receive();
        tls_->hear(receive());
        return tls_->read();
    }

    std::size_t received = 0;  // bytes, as they came

private:
    void transmit(std::string_view bytes) {
        if (!bytes.empty() &&
            ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
            std::abort();  // a batch of requests is smaller than any socket's buffer
        }
    }
    std::string receive() {
        std::string all;
        for (ssize_t size; (size = ::recv(socket_.number(), block_.data(), block_.size(), 0)) > 0;) {
            all.append(block_, 0, static_cast<std::size_t>(size));
        }
        received += all.size();
        return all;
    }

    FileDescriptor socket_;
    std::unique_ptr<TlsClient> tls_;
    std::string block_ = std::string(1 << 20, '\0');
};

// Asks a batch of requests at once; then hears until each has its whole answer.
class Client {
public:
    virtual ~Client() = default;
    virtual void ask(const std::vector<Ask>& batch) = 0;
    virtual bool answered() = 0;  // reads what has come
    virtual std::vector<std::string> statuses() const = 0;
};

class Http2Client final : public Client {
public:
    explicit Http2Client(Wire& wire) : wire_(wire) { peer_.open_connection_window(kWindow); }

    void ask(const std::vector<Ask>& batch) override {
        peer_.streams.clear();
        asked_.clear();
        for (const Ask& each : batch) asked_.push_back(peer_.request(each.method, each.path, each.fields));
        wire_.write(peer_.say());
    }
    bool answered() override {
        peer_.hear(wire_.read());
        if (const std::string more = peer_.say(); !more.empty()) wire_.write(more);
        for (const std::int32_t id : asked_) {
            if (!peer_.streams[id].ended) return false;
        }
        return true;
    }
    std::vector<std::string> statuses() const override {
        std::vector<std::string> all;
        for (const std::int32_t id : asked_) all.push_back(peer_.streams.at(id).status());
        return all;
    }
    const Received& answer(std::size_t index) const { return peer_.streams.at(asked_.at(index)); }

private:
    static constexpr std::int32_t kWindow = 1 << 30;

    Wire& wire_;
    Http2Peer peer_{{{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}}};
    std::vector<std::int32_t> asked_;
};

// Pipelines: all requests of a batch in one write.
class Http1Client final : public Client {
public:
    explicit Http1Client(Wire& wire) : wire_(wire) {}

    void ask(const std::vector<Ask>& batch) override {
        std::string text;
        methods_.clear();
        statuses_.clear();
        for (const Ask& each : batch) {
            text += each.method + " " + each.path + " HTTP/1.1\r\nHost: example.org\r\n";
            for (const auto& [name, value] : each.fields) text += name + ": " + value + "\r\n";
            text += "\r\n";
            methods_.push_back(each.method);
        }
        wire_.write(text);
    }
    bool answered() override {
        heard_ += wire_.read();
        while (statuses_.size() < methods_.size() && take_one()) continue;
        return statuses_.size() == methods_.size();
    }
    std::vector<std::string> statuses() const override { return statuses_; }

private:
    bool take_one() {
        const std::size_t head = heard_.find("\r\n\r\n");
        if (head == std::string::npos) return false;
        const std::string status = heard_.substr(9, 3);
        const std::size_t field = heard_.find("content-length: ");
        std::size_t length = field < head ? std::strtoul(heard_.c_str() + field + 16, nullptr, 10) : 0;
        if (status == "304" || methods_[statuses_.size()] == "HEAD") length = 0;
        if (heard_.size() < head + 4 + length) return false;
        heard_.erase(0, head + 4 + length);
        statuses_.push_back(status);
        return true;
    }

    Wire& wire_;
    std::string heard_;
    std::vector<std::string> methods_, statuses_;
};

}  // namespace selvage::testing
