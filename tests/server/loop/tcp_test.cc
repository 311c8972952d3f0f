#include "server/loop/tcp.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

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
    void on_bytes(std::string_view bytes) override { received += bytes; }
    void on_end() override { ended = true; }
    void on_written(bool ok) override { (ok ? written : lost) = true; }
    std::string received;
    bool ended = false, written = false, lost = false;
};

struct Server {
    Server() {
        FileDescriptor socket = *TcpListener::bind("127.0.0.1", 0);
        port = TcpListener::port_of(socket);
        listener = *TcpListener::listen(loop, std::move(socket), [this](std::unique_ptr<TcpStream> accepted) {
            stream = std::move(accepted);
            stream->set_events(&events);
            stream->read_start();
        });
    }
    Loop loop;
    Recorder events;
    std::unique_ptr<TcpStream> stream;
    std::unique_ptr<TcpListener> listener;
    std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("what a client sends arrives, and what is written goes back") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    send_all(client, "hello");
    run_until(server.loop, [&] { return server.events.received == "hello"; });
    CHECK(server.stream->peer_address() == "127.0.0.1");

    CHECK(*server.stream->try_write("now ") == 4);
    BufferPtr buffer = server.loop.buffers().take();
    std::memcpy(buffer->data(), "xxlater", 7);
    buffer->size = 7;
    server.stream->write(std::move(buffer), 2);
    run_until(server.loop, [&] { return server.events.written; });
    CHECK(server.loop.buffers().free_buffers() == 1);
    server.stream.reset();
    CHECK(receive_all(client) == "now later");
}

TEST_CASE("the end of a client is told") {
    Server server;
    FileDescriptor client = connect_to(server.port);
    client.reset();
    run_until(server.loop, [&] { return server.events.ended; });
}

TEST_CASE("a full socket takes less than it is given, and the rest arrives through write()") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    run_until(server.loop, [&] { return server.stream != nullptr; });
    const std::string block(loop::Buffer::kTarget, 'x');
    std::size_t sent = 0;
    for (;;) {
        const auto taken = server.stream->try_write(block);
        REQUIRE(taken);
        sent += *taken;
        if (*taken < block.size()) break;
    }
    BufferPtr buffer = server.loop.buffers().take();
    std::memcpy(buffer->data(), block.data(), block.size());
    buffer->size = block.size();
    server.stream->write(std::move(buffer), 0);
    std::string received;
    std::thread reader([&] { received = receive_all(client); });
    run_until(server.loop, [&] { return server.events.written; });
    server.stream.reset();
    reader.join();
    CHECK(received.size() == sent + block.size());
}

TEST_CASE("dropping a stream with a write under way loses nothing but the write") {
    Server server;
    const FileDescriptor client = connect_to(server.port);
    run_until(server.loop, [&] { return server.stream != nullptr; });
    const std::string block(loop::Buffer::kTarget, 'x');
    for (std::size_t taken = block.size(); taken == block.size();) taken = *server.stream->try_write(block);
    BufferPtr buffer = server.loop.buffers().take();
    buffer->size = block.size();
    std::memset(buffer->data(), 'y', block.size());
    server.stream->write(std::move(buffer), 0);
    server.stream.reset();
    run_until(server.loop, [&] { return server.loop.buffers().free_buffers() == 1; });
    CHECK(!server.events.written);
    CHECK(!server.events.lost);
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
