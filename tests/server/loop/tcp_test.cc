#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "server/loop/tcp_listener.h"
#include "server/loop/tcp_stream.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using loop::BufferPtr;
using loop::Loop;
using loop::TcpListener;
using loop::TcpStream;
using testing::run_until;

namespace {

// A blocking client, on the test's side.
FileDescriptor connect_to(std::uint16_t port) {
    FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

void send_all(const FileDescriptor& socket, std::string_view bytes) {
    REQUIRE(::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

std::string receive_all(const FileDescriptor& socket) {
    std::string all;
    char block[65'536];
    for (ssize_t size; (size = ::recv(socket.number(), block, sizeof block, 0)) > 0;)
        all.append(block, static_cast<std::size_t>(size));
    return all;
}

struct Recorder final : TcpStream::Events {
    void on_bytes(std::string_view bytes) override {
        ++reads;
        received += bytes;
    }
    void on_end() override { ended = true; }
    void on_writable() override { writable = true; }
    std::string received;
    int reads = 0;
    bool ended = false, writable = false;
};

struct Server {
    Server() {
        FileDescriptor socket = *TcpListener::bind("127.0.0.1", 0);
        port = TcpListener::port_of(socket);
        listener = *TcpListener::listen(loop, std::move(socket), [this](loop::Accepted accepted) {
            address = accepted.address;
            stream = std::make_unique<TcpStream>(loop, std::move(accepted.socket), events);
            stream->read_start();
        });
    }
    void until_accepted() {
        run_until(loop, [&] { return stream != nullptr; });
    }
    void send(const BufferPtr& buffer) {  // until all of it has left
        bool all = *stream->send(*buffer) == TcpStream::Sent::All;
        run_until(loop, [&] {
            if (!all && std::exchange(events.writable, false)) all = *stream->send(*buffer) == TcpStream::Sent::All;
            return all;
        });
    }
    Loop loop;
    Recorder events;
    IpAddress address;
    std::unique_ptr<TcpStream> stream;
    std::unique_ptr<TcpListener> listener;
    std::uint16_t port = 0;
};

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i / 7 + i / 1'000) % 26);
    return bytes;
}

loop::Buffer::Shared shared(const BlobPtr& blob) {
    return {.bytes = blob->view(), .keeps = blob, .by_pages = blob->has_own_pages()};
}

}  // namespace

TEST_CASE("what a client sends arrives, and what is sent goes back") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    send_all(client, "hello");
    run_until(server.loop, [&] { return server.events.received == "hello"; });
    CHECK(server.address == IpAddress::v4(127, 0, 0, 1));

    BufferPtr buffer = server.loop.buffers().take();
    CHECK(buffer->append("now "));
    CHECK(buffer->append("later"));
    CHECK(*server.stream->send(*buffer) == TcpStream::Sent::All);
    CHECK(buffer->empty());
    server.stream.reset();
    CHECK(receive_all(client) == "now later");
}

TEST_CASE("the end of a client is told, after its last bytes") {
    Server server;
    FileDescriptor client = connect_to(server.port);
    send_all(client, "bye");
    client.reset();
    run_until(server.loop, [&] { return server.events.ended; });
    CHECK(server.events.received == "bye");
}

TEST_CASE("a burst larger than the read buffer arrives whole, in pieces that let others have their turn") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    const std::string burst = pattern(1'000'000);
    std::thread writer([&] {
        std::string_view rest = burst;
        while (!rest.empty()) {
            const ssize_t sent = ::send(client.number(), rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    });
    run_until(server.loop, [&] { return server.events.received.size() == burst.size(); });
    writer.join();
    CHECK(server.events.received == burst);
    CHECK(server.events.reads >= 15);
}

TEST_CASE("what arrived while nobody read is read when reading starts again") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    server.until_accepted();
    server.stream->read_stop();
    send_all(client, "waiting");
    bool passed = false;
    loop::Timer moment(server.loop, [&] { passed = true; });
    moment.start(std::chrono::milliseconds(20));
    run_until(server.loop, [&] { return passed; });
    CHECK(server.events.received.empty());
    server.stream->read_start();
    run_until(server.loop, [&] { return server.events.received == "waiting"; });
}

SCENARIO("output is bytes, references and pages, in order") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    server.until_accepted();
    const BlobPtr small = make_blob(pattern(10'000)), large = make_blob(pattern(3'000'000));
    REQUIRE(!small->has_own_pages());
    REQUIRE(large->has_own_pages());
    std::string received;
    std::thread reader([&] { received = receive_all(client); });

    BufferPtr buffer = server.loop.buffers().take();
    CHECK(buffer->append("head|"));
    CHECK(buffer->append(shared(small)));
    CHECK(buffer->append("|between|"));
    CHECK(buffer->append(shared(large)));
    CHECK(buffer->append("|tail"));
    CHECK(small.use_count() == 2);
    CHECK(buffer->copied() < 30);
    server.send(buffer);
    server.stream.reset();
    reader.join();
    CHECK(received == "head|" + pattern(10'000) + "|between|" + pattern(3'000'000) + "|tail");
    THEN("a reference is kept until its bytes have left, and no longer") {
        CHECK(small.use_count() == 1);
        CHECK(large.use_count() == 1);
    }
}

TEST_CASE("a full socket takes less than it is given, and says when there is room for the rest") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    server.until_accepted();
    const std::string bytes = pattern(loop::Buffer::kTarget);
    BufferPtr buffer;
    std::size_t given = 0;
    do {
        buffer = server.loop.buffers().take();
        CHECK(buffer->append(bytes));
        given += bytes.size();
    } while (*server.stream->send(*buffer) == TcpStream::Sent::All);
    CHECK(!buffer->empty());
    std::string received;
    std::thread reader([&] { received = receive_all(client); });
    run_until(server.loop, [&] { return server.events.writable; });
    server.send(buffer);
    server.stream.reset();
    reader.join();
    CHECK(received.size() == given);
}

TEST_CASE("there is an end to the pieces of a buffer, and bytes to copy still fit then") {
    Loop loop;
    const BufferPtr buffer = loop.buffers().take();
    const BlobPtr blob = make_blob("some");
    std::size_t taken = 0;
    while (buffer->append(shared(blob))) ++taken;
    CHECK(taken == loop::Buffer::kMostPieces - 1);
    CHECK(!buffer->takes_shared());
    CHECK(buffer->append("copied"));
    CHECK(buffer->append("copied"));
    CHECK(buffer->size() == 4 * taken + 12);
    CHECK(!buffer->append(std::string(loop::Buffer::kCapacity, 'x')));
}

TEST_CASE("two loops may listen on one port") {
    const FileDescriptor first = *TcpListener::bind("127.0.0.1", 0);
    CHECK(TcpListener::bind("127.0.0.1", TcpListener::port_of(first)));
}

TEST_CASE("addresses that cannot be had say why") {
    CHECK(TcpListener::bind("localhost", 0).error().kind == ErrorKind::BadRequest);
    CHECK(TcpListener::bind("[::1]", 0).error().kind == ErrorKind::BadRequest);
    const auto foreign = TcpListener::bind("203.0.113.1", 0);
    REQUIRE(!foreign);
    CHECK(foreign.error().kind == ErrorKind::Internal);
    CHECK(foreign.error().detail.find("203.0.113.1") != std::string::npos);
}
