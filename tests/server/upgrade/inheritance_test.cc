#include "server/upgrade/inheritance.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "config/loader.h"
#include "server/loop/tcp_listener.h"

using namespace selvage;
using loop::TcpListener;
using upgrade::Inheritance;

namespace {

config::Endpoint endpoint(std::string_view text) { return *config::parse_endpoint(text); }

// A predecessor's sockets, as the successor finds them: by number alone.
struct Estate {
    Estate() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        ours = FileDescriptor(ends[0]);
        value = fmt::format("{}=ready", ends[1]);
    }
    std::uint16_t add(std::string_view what, std::uint16_t port = 0, const char* host = "127.0.0.1") {
        FileDescriptor socket = *TcpListener::bind(host, port);
        REQUIRE(::listen(socket.number(), 1) == 0);
        const std::uint16_t bound = TcpListener::port_of(socket);
        value += fmt::format(" {}={}", socket.release(), what);
        return bound;
    }
    std::string said() {
        std::string all(1000, '\0');
        const ssize_t size = ::read(ours.number(), all.data(), all.size());
        all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return all;
    }
    FileDescriptor ours;
    std::string value;
};

std::vector<std::uint16_t> ports_of(const std::vector<FileDescriptor>& sockets) {
    std::vector<std::uint16_t> ports;
    for (const FileDescriptor& socket : sockets) ports.push_back(TcpListener::port_of(socket));
    return ports;
}

}  // namespace

SCENARIO("a successor finds the sockets of its endpoints") {
    Estate estate;
    using Ports = std::vector<std::uint16_t>;
    const auto secure = estate.add("https://127.0.0.1:0");
    estate.add("https://127.0.0.1:0", secure);  // of the second loop
    const auto plain = estate.add("http://127.0.0.1:0");
    const auto another = estate.add("http://127.0.0.1:0");  // the same words for another port
    const auto admin = estate.add("admin");
    auto inheritance = *Inheritance::parse(estate.value);

    THEN("by the words of the configuration, when the kernel chose the port") {
        CHECK(ports_of(inheritance.take_sockets(endpoint("https://127.0.0.1:0"))) == Ports{secure, secure});
        CHECK(ports_of(inheritance.take_sockets(endpoint("http://127.0.0.1:0"))) == Ports{plain});
        CHECK(ports_of(inheritance.take_sockets(endpoint("http://127.0.0.1:0"))) == Ports{another});
        CHECK(inheritance.take_sockets(endpoint("http://127.0.0.1:0")).empty());
    }
    THEN("by address and port, when those are configured, also for the other scheme") {
        CHECK(ports_of(inheritance.take_sockets(endpoint(fmt::format("https://127.0.0.1:{}", plain)))) == Ports{plain});
        CHECK(inheritance.take_sockets(endpoint(fmt::format("https://127.0.0.2:{}", secure))).empty());
        CHECK(inheritance.take_sockets(endpoint(fmt::format("https://127.0.0.1:{}", admin))).empty());
    }
    THEN("the admin listener's is another's to take") {
        CHECK(!inheritance.take_admin({.scheme = config::Scheme::Http, .host = "127.0.0.2", .port = 0}));
        const auto taken = inheritance.take_admin({.scheme = config::Scheme::Http, .host = "127.0.0.1", .port = admin});
        REQUIRE(taken);
        CHECK(TcpListener::port_of(*taken) == admin);
        CHECK(!inheritance.take_admin({.scheme = config::Scheme::Http, .host = "127.0.0.1", .port = 0}));
    }
    THEN("they do not go on to programs that it starts") {
        for (const FileDescriptor& socket : inheritance.take_sockets(endpoint("https://127.0.0.1:0"))) {
            CHECK((::fcntl(socket.number(), F_GETFD) & FD_CLOEXEC) != 0);
        }
    }
    THEN("what is not configured any more is closed when it is ready") {
        inheritance.tell_ready();
        CHECK(estate.said() == fmt::format("ready {}\n", ::getpid()));
        CHECK(estate.said().empty());  // closed
        CHECK(TcpListener::bind("127.0.0.1", plain, TcpListener::Port::Mine));
        CHECK(inheritance.empty());
    }
    THEN("why it cannot start is told") {
        inheritance.tell_failed("a.toml:1:2: no\nb");
        CHECK(estate.said() == "failed\na.toml:1:2: no\nb");
    }
}

TEST_CASE("without a predecessor there is nothing to inherit, and nobody to tell") {
    ::unsetenv("SELVAGE_SOCKETS");
    auto inheritance = Inheritance::take();
    REQUIRE(inheritance);
    CHECK(inheritance->empty());
    CHECK(inheritance->take_sockets(endpoint("https://127.0.0.1:0")).empty());
    inheritance->tell_ready();
}

TEST_CASE("the inheritance is out of the environment once it was taken") {
    Estate estate;
    ::setenv("SELVAGE_SOCKETS", estate.value.c_str(), 1);
    const auto inheritance = Inheritance::take();
    REQUIRE(inheritance);
    CHECK(!inheritance->empty());
    CHECK(::getenv("SELVAGE_SOCKETS") == nullptr);
}

TEST_CASE("words that name no listening socket are refused") {
    Estate estate;
    for (const std::string& wrong : {std::string("x"), std::string("=ready"), std::string("999999=admin"), std::string("1=ready"),
                                     std::string("-1=ready"), fmt::format("{}=admin", estate.ours.number())}) {
        INFO(wrong);
        const auto inheritance = Inheritance::parse(wrong);
        REQUIRE(!inheritance);
        CHECK(inheritance.error().detail.find("SELVAGE_SOCKETS") != std::string::npos);
    }
    CHECK(!Inheritance::parse(""));
}
