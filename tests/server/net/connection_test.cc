#include "server/net/connection.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <functional>
#include <future>
#include <string>

#include "server/loop/tcp_listener.h"
#include "server/net/development_certificate.h"
#include "tests/server/catalogue/temporary_folder.h"
#include "tests/server/http_sessions/conversation.h"
#include "tests/server/http_sessions/http2_peer.h"
#include "tests/server/loop/turns.h"
#include "tests/server/net/tls_client.h"

using namespace selvage;
using namespace selvage::testing;
using net::Connection;

namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kLast = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

// The client's socket: blocking, used on a thread of the test.
class Client {
public:
    explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        const timeval patience{.tv_sec = 15, .tv_usec = 0};  // what never comes fails the test
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void finish() const { ::shutdown(socket_.number(), SHUT_WR); }
    void reset() {  // as a client does that is killed with unread answers
        const linger none{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
        socket_ = {};
    }
    std::string receive() const {
        std::string block(65'536, '\0');
        const ssize_t size = ::recv(socket_.number(), block.data(), block.size(), 0);
        block.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return block;
    }
    std::string receive_all() const {
        std::string all;
        for (std::string some; !(some = receive()).empty();) all += some;
        return all;
    }

private:
    FileDescriptor socket_;
};

struct House {
    explicit House(net::TlsContextPtr with_tls = nullptr) : tls(std::move(with_tls)) {
        FileDescriptor socket = *loop::TcpListener::bind("127.0.0.1", 0);
        port = loop::TcpListener::port_of(socket);
        host.ended = [this](Connection*) {
            ++ended;
            connection.reset();
        };
        listener = *loop::TcpListener::listen(loop, std::move(socket), [this](loop::Accepted client) {
            connection = std::make_unique<Connection>(host, std::move(client), tls, config);
            connection->start();
        });
        dispatcher.reply = [](const http::Request& request) {
            return answer_with(200, "you asked for " + std::string(request.target) + "\n");
        };
    }

    // Turns the loop while the client acts on its own thread.
    template <typename Act>
    auto serve(Act act) {
        auto acted = std::async(std::launch::async, act);
        run_until(loop, [&] { return acted.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
        return acted.get();
    }

    Log log{2, LogLevel::Off};
    loop::Loop loop;
    loop::WorkPool pool{1};
    FakeDispatcher dispatcher;
    CountingObserver observer;
    config::ConfigPtr config = std::make_shared<const config::Config>();
    net::TlsContextPtr tls;
    net::ConnectionHost host{.loop = loop, .pool = pool, .dispatcher = dispatcher, .observer = observer, .log = log};
    std::unique_ptr<loop::TcpListener> listener;
    std::unique_ptr<Connection> connection;
    int ended = 0;
    std::uint16_t port = 0;
};

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++found;
    return found;
}

net::TlsContextPtr make_tls() {
    static const TemporaryFolder folder;
    static const auto files = *net::development_certificate(
        folder.path().string(), std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    return *net::TlsContext::load(files.certificate, files.key);
}

// A TLS client that has shaken hands.
struct SecureClient {
    SecureClient(std::uint16_t port, std::string_view protocols) : socket(port), tls(protocols) {
        while (!tls.handshake()) {
            socket.send(tls.say());
            const std::string heard = socket.receive();
            if (heard.empty()) return;
            tls.hear(heard);
        }
        socket.send(tls.say());
    }
    void send(std::string_view plain) {
        tls.write(plain);
        socket.send(tls.say());
    }
    std::string receive_all() {
        std::string all = tls.read();
        for (std::string some; !tls.closed() && !(some = socket.receive()).empty();) {
            tls.hear(some);
            all += tls.read();
        }
        return all;
    }
    Client socket;
    TlsClient tls;
};

// The lengths of the application data records that follow each other in what a server said. RFC 8446 §5.1
std::vector<std::size_t> record_sizes(std::string_view raw) {
    std::vector<std::size_t> sizes;
    while (raw.size() >= 5) {
        const std::size_t size = static_cast<unsigned char>(raw[3]) * 256U + static_cast<unsigned char>(raw[4]);
        if (raw[0] == 23) sizes.push_back(size);
        raw.remove_prefix(std::min(raw.size(), size + 5));
    }
    return sizes;
}

// Talks HTTP/2 until the stream is closed.
Received ask_http2(const Client& client, Http2Peer& peer, std::int32_t stream) {
    client.send(peer.say());
    while (!peer.streams[stream].closed) {
        const std::string heard = client.receive();
        if (heard.empty() || !peer.hear(heard)) break;
        client.send(peer.say());
    }
    return peer.streams[stream];
}

}  // namespace

SCENARIO("HTTP/1.1 in plain") {
    House house;
    THEN("pipelined requests that come in one packet are all answered") {  // RFC 9112 §9.3.2
        const std::string said = house.serve([&] {
            const Client client(house.port);
            client.send(kGet + kGet + kGet + kLast);
            return client.receive_all();
        });
        CHECK(count(said, "you asked for /a\n") == 3);
        CHECK(said.ends_with("you asked for /last\n"));
        run_until(house.loop, [&] { return house.ended == 1; });
    }
    THEN("pipelined requests whose answers fill more than a turn are all answered") {
        house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(200'000)); };
        const std::string said = house.serve([&] {
            const Client client(house.port);
            client.send(kGet + kGet + kGet + kGet + kGet + kGet + kLast);
            return client.receive_all();
        });
        CHECK(count(said, "HTTP/1.1 200 OK") == 7);
        CHECK(said.size() > 7 * 200'000);
    }
    THEN("a client that closes its half still gets its answer") {  // RFC 9112 §9.6
        Desk desk;
        house.dispatcher.reply = [&](const http::Request&) {
            house.loop.post([&] { desk.complete(0, answer_with(200, pattern(2'000'000))); });
            return desk.pending();
        };
        const std::string said = house.serve([&] {
            const Client client(house.port);
            client.send(kGet);
            client.finish();
            return client.receive_all();
        });
        CHECK(said.ends_with(pattern(2'000'000)));
        run_until(house.loop, [&] { return house.ended == 1; });
    }
    THEN("a body larger than any buffer arrives whole at a slow reader") {
        house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(20'000'000)); };
        const std::string said = house.serve([&] {
            const Client client(house.port);
            client.send(kLast);
            return client.receive_all();
        });
        CHECK(said.substr(said.find("\r\n\r\n") + 4) == pattern(20'000'000));
    }
    THEN("a client that leaves ends the connection") {
        house.serve([&] {
            const Client client(house.port);
            client.send(kGet);
            return client.receive();
        });
        run_until(house.loop, [&] { return house.ended == 1; });
    }
}

SCENARIO("HTTP/2 by prior knowledge in plain") {  // RFC 9113 §3.3
    House house;
    house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(3'000'000)); };
    Http2Peer peer({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 28}});
    peer.open_connection_window(1 << 28);
    const auto stream = peer.get("/");
    THEN("it is recognised by its first bytes, however they come") {
        const Received answer = house.serve([&] {
            const Client client(house.port);
            const std::string opening = peer.say();
            for (const char byte : opening.substr(0, 30)) client.send({&byte, 1});
            client.send(opening.substr(30));
            return ask_http2(client, peer, stream);
        });
        CHECK(answer.body == pattern(3'000'000));
    }
    THEN("what a client asks for while it is behind is heard before the answer under way ends") {
        house.dispatcher.reply = [&](const http::Request& request) {
            if (request.target == "/") return answer_with(200, pattern(20'000'000));
            CHECK(house.dispatcher.outcomes.empty());
            return answer_with(200, "urgent");
        };
        const Received urgent = house.serve([&] {
            const Client client(house.port);
            client.send(peer.say());
            while (peer.streams[stream].body.size() < 1'000'000 && peer.hear(client.receive())) client.send(peer.say());
            const auto second = peer.get("/second");
            return ask_http2(client, peer, second);
        });
        CHECK(urgent.body == "urgent");
    }
    THEN("what begins like it and is not is HTTP/1") {
        const std::string said = house.serve([&] {
            const Client client(house.port);
            client.send("P");
            client.send("RI /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            return client.receive_all();
        });
        CHECK(said.starts_with("HTTP/1.1 501"));
    }
}

SCENARIO("HTTPS") {
    House house(make_tls());
    THEN("HTTP/2 is spoken when ALPN chose it") {
        house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(1'000'000)); };
        Http2Peer peer({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 28}});
        peer.open_connection_window(1 << 28);
        const auto stream = peer.get("/");
        const Received answer = house.serve([&] {
            SecureClient client(house.port, "\x02h2");
            client.send(peer.say());
            while (!peer.streams[stream].closed) {
                const std::string heard = client.socket.receive();
                if (heard.empty()) break;
                client.tls.hear(heard);
                peer.hear(client.tls.read());
                client.send(peer.say());
            }
            return peer.streams[stream];
        });
        CHECK(answer.body == pattern(1'000'000));
        CHECK(house.dispatcher.seen.at(0).secure);
    }
    THEN("HTTP/1.1 is spoken otherwise, pipelined in one record or in several") {
        house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(200'000)); };
        const std::string said = house.serve([&] {
            SecureClient client(house.port, "\x08http/1.1");
            client.send(kGet + kGet + kGet);
            client.tls.write(kGet);
            client.tls.write(kGet);
            client.send(kLast);
            return client.receive_all();
        });
        CHECK(count(said, "HTTP/1.1 200 OK") == 6);
    }
    THEN("what comes first comes in records that can be opened before the second round trip") {
        house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(200'000)); };
        const std::vector<std::size_t> records = house.serve([&] {
            SecureClient client(house.port, "\x08http/1.1");
            client.send(kLast);
            std::string raw;
            for (std::string some; !(some = client.socket.receive()).empty();) raw += some;
            return record_sizes(raw);
        });
        std::size_t said = 0, largest_early = 0, largest = 0;
        for (const std::size_t record : records) {
            if (said < net::SealedFlush::kEarly) largest_early = std::max(largest_early, record);
            largest = std::max(largest, record);
            said += record;
        }
        constexpr std::size_t kOverhead = 17;  // content type and tag, RFC 8446 §5.2
        CHECK(largest_early == net::SealedFlush::kEarlyRecord + kOverhead);
        CHECK(largest == net::SealedFlush::kRecord + kOverhead);
    }
    THEN("the end is announced, so that nobody takes a cut for it") {  // RFC 9112 §9.8
        const bool closed = house.serve([&] {
            SecureClient client(house.port, "");
            client.send(kLast);
            client.receive_all();
            return client.tls.closed();
        });
        CHECK(closed);
    }
    THEN("a client that ends in the middle of its next request gets its answer, and is not waited for") {
        Desk desk;
        house.dispatcher.reply = [&](const http::Request&) {
            house.loop.post([&] { desk.complete(0, answer_with(200, pattern(200'000))); });
            return desk.pending();
        };
        const std::string said = house.serve([&] {
            SecureClient client(house.port, "\x08http/1.1");
            client.tls.write(kGet);
            client.tls.write(kGet.substr(0, 7));
            client.tls.close();
            client.send("");
            client.socket.finish();
            return client.receive_all();
        });
        CHECK(said.ends_with(pattern(200'000)));
        run_until(house.loop, [&] { return house.ended == 1; });
    }
    THEN("a client that speaks no TLS is shown the door") {
        house.serve([&] {
            const Client client(house.port);
            client.send(kGet + kGet);
            return client.receive_all();
        });
        run_until(house.loop, [&] { return house.ended == 1; });
        CHECK(house.dispatcher.seen.empty());
    }
}

SCENARIO("deadlines") {  // protocol-and-limits §3
    House house;
    const config::Timeouts timeouts = house.config->timeouts;
    const auto hits = [&](http::LimitHit limit) { return house.observer.hits[limit]; };
    const Client client(house.port);
    run_until(house.loop, [&] { return house.connection != nullptr; });
    const auto after = [&](std::chrono::milliseconds time) {
        const SteadyTime now = house.loop.now();
        house.connection->tick(now + time - std::chrono::milliseconds(500));
        CHECK(house.ended == 0);
        if (house.connection) house.connection->tick(now + time + std::chrono::milliseconds(500));
    };
    const auto ends = [&] {
        run_until(house.loop, [&] {
            if (house.connection) house.connection->tick(house.loop.now() + std::chrono::hours(1));  // its last words too
            return house.ended == 1;
        });
    };

    WHEN("nothing is ever said") {
        after(timeouts.handshake);
        CHECK(hits(http::LimitHit::Handshake) == 1);
        ends();
    }
    WHEN("a request trickles in") {
        client.send("GET / HT");
        run_until(house.loop, [&] { return !house.connection->idle(); });
        after(timeouts.header);
        CHECK(hits(http::LimitHit::HeaderTime) == 1);
        THEN("408 is said first") {
            const std::string said = house.serve([&] { return client.receive(); });
            CHECK(said.starts_with("HTTP/1.1 408"));
            ends();
        }
    }
    WHEN("a kept connection says nothing more") {
        client.send(kGet);
        house.serve([&] { return client.receive(); });
        after(timeouts.idle);
        CHECK(hits(http::LimitHit::Idle) == 1);
        ends();
    }
    // Real time, enough to tell two deadlines apart.
    const auto a_moment = [&] {
        bool passed = false;
        loop::Timer moment(house.loop, [&] { passed = true; });
        moment.start(std::chrono::milliseconds(20));
        run_until(house.loop, [&] { return passed; });
    };
    const auto margin = std::chrono::milliseconds(10);

    WHEN("pipelined requests come in packets that end within the next one") {
        client.send(kGet.substr(0, 10));
        run_until(house.loop, [&] { return !house.connection->idle(); });
        const SteadyTime first = house.loop.now();
        a_moment();
        client.send(kGet.substr(10) + kGet.substr(0, 10));
        run_until(house.loop, [&] { return house.dispatcher.outcomes.size() == 1; });
        THEN("each head has its own time") {
            house.connection->tick(first + timeouts.header + margin);
            CHECK(hits(http::LimitHit::HeaderTime) == 0);
        }
    }
    WHEN("a client takes nothing, but keeps talking") {
        Http2Peer peer({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
        peer.get("/");
        client.send(peer.say());
        run_until(house.loop, [&] { return house.dispatcher.seen.size() == 1; });
        house.serve([&] { return client.receive(); });
        const SteadyTime blocked = house.loop.now();
        a_moment();
        client.send(std::string("\0\0\5\2\0\0\0\0\3\0\0\0\0\0", 14));  // PRIORITY: heard, not answered
        a_moment();
        THEN("that is no progress") {
            house.connection->tick(blocked + timeouts.write + margin);
            CHECK(hits(http::LimitHit::WriteProgress) == 1);
        }
    }
    WHEN("an HTTP/2 client only sends PINGs") {
        config::Config impatient;
        impatient.timeouts.idle_pings = impatient.timeouts.idle + margin;
        house.connection.reset();
        house.config = std::make_shared<const config::Config>(impatient);
        const Client another(house.port);
        run_until(house.loop, [&] { return house.connection != nullptr; });
        Http2Peer peer;
        another.send(peer.say());
        house.serve([&] { return another.receive(); });
        const SteadyTime last = house.connection->idle_since();
        a_moment();
        another.send(std::string("\0\0\x08\6\0\0\0\0\0pingpong", 17));
        house.serve([&] { return another.receive(); });
        THEN("they keep it, but not for ever") {
            house.connection->tick(last + timeouts.idle);
            CHECK(hits(http::LimitHit::Idle) == 0);
            CHECK(hits(http::LimitHit::IdlePings) == 0);
            house.connection->tick(last + timeouts.idle + margin);
            CHECK(hits(http::LimitHit::IdlePings) == 1);
        }
    }
    WHEN("an HTTP/1 client only sends empty lines") {
        client.send(kGet);
        house.serve([&] { return client.receive(); });
        const SteadyTime last = house.connection->idle_since();
        a_moment();
        client.send("\r\n");
        a_moment();
        THEN("they keep nothing") {
            house.connection->tick(last + timeouts.idle);
            CHECK(hits(http::LimitHit::Idle) == 1);
        }
    }
    WHEN("a handler works") {
        Desk desk;
        house.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
        client.send(kGet);
        run_until(house.loop, [&] { return desk.handed_out() == 1; });
        house.connection->tick(house.loop.now() + std::chrono::hours(1));
        THEN("its own deadline counts, not ours") { CHECK(!desk.dropped(0)); }
    }
    WHEN("the client takes nothing of a large answer") {
        house.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(20'000'000)); };
        client.send(kGet);
        run_until(house.loop, [&] { return house.connection && !house.connection->idle(); });
        after(timeouts.write);
        CHECK(hits(http::LimitHit::WriteProgress) == 1);
        ends();
        CHECK(!house.dispatcher.outcomes.at(0).complete);
    }
}

TEST_CASE("a client that resets its connection while it waits is gone at once, and what is made for it is dropped") {
    House house;
    Client client(house.port);
    Desk desk;
    house.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    client.send(kGet);
    run_until(house.loop, [&] { return desk.handed_out() == 1; });
    client.reset();
    run_until(house.loop, [&] { return house.ended == 1; });
    CHECK(house.dispatcher.outcomes.size() == 1);
    CHECK_FALSE(house.dispatcher.outcomes.at(0).complete);
}

TEST_CASE("draining ends an idle connection, and one that works after its answer") {
    House house;
    const Client client(house.port);
    Desk desk;
    house.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    client.send(kGet);
    run_until(house.loop, [&] { return desk.handed_out() == 1; });
    house.connection->drain();
    desk.complete(0, answer_with(200, "late"));
    const std::string said = house.serve([&] {
        std::string all = client.receive_all();
        client.finish();
        return all;
    });
    CHECK(said.find("connection: close\r\n") != std::string::npos);
    CHECK(said.ends_with("late"));
    run_until(house.loop, [&] { return house.ended == 1; });

    const Client other(house.port);
    other.send(kGet.substr(0, 0));
    run_until(house.loop, [&] { return house.connection != nullptr; });
    house.connection->drain();
    run_until(house.loop, [&] { return house.ended == 2; });
}
