#include "server/loop/process.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "server/loop/poll.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using loop::Loop;
using loop::Process;
using testing::run_until;

namespace {

struct SocketPair {
    SocketPair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        ours = FileDescriptor(ends[0]);
        theirs = FileDescriptor(ends[1]);
    }
    FileDescriptor ours, theirs;
};

std::string read_some(int descriptor) {
    std::array<char, 256> bytes{};
    const ssize_t size = ::read(descriptor, bytes.data(), bytes.size());
    return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
}

// Neither running nor a zombie of ours.
bool gone(int id) { return ::kill(id, 0) != 0 && errno == ESRCH; }

}  // namespace

TEST_CASE("a process has its socket at descriptor 3 and an empty environment, and its exit is seen") {
    Loop loop;
    SocketPair sockets;
    int status = -1, signal = -1;
    auto process = Process::spawn(loop, "/bin/sh", {"-c", "echo \"home=$HOME\" >&3; exit 7"}, std::move(sockets.theirs),
                                  [&](int exited_status, int exited_signal) {
                                      status = exited_status;
                                      signal = exited_signal;
                                  });
    REQUIRE(process);
    run_until(loop, [&] { return status >= 0; });
    CHECK(status == 7);
    CHECK(signal == 0);
    CHECK(read_some(sockets.ours.number()) == "home=\n");
}

TEST_CASE("a killed process reports the signal") {
    Loop loop;
    SocketPair sockets;
    int signal = -1;
    auto process = Process::spawn(loop, "/bin/sleep", {"1000"}, std::move(sockets.theirs),
                                  [&](int, int exited_signal) { signal = exited_signal; });
    REQUIRE(process);
    (*process)->kill();
    run_until(loop, [&] { return signal >= 0; });
    CHECK(signal == SIGKILL);
}

TEST_CASE("dropping a process kills and reaps it, and its exit callback never runs") {
    Loop loop;
    SocketPair sockets;
    bool called = false;
    auto process = Process::spawn(loop, "/bin/sleep", {"1000"}, std::move(sockets.theirs), [&](int, int) { called = true; });
    REQUIRE(process);
    const int id = (*process)->id();
    process->reset();
    run_until(loop, [&] { return gone(id); });
    CHECK(!called);
}

TEST_CASE("a process that was let go outlives us, and its exit is nobody's here") {
    int id = 0;
    {
        Loop loop;
        bool called = false;
        auto process = Process::start(
            loop, {.program = "/bin/sleep", .arguments = {"1000"}, .environment = {}, .descriptors = {Process::kNull}},
            [&](int, int) { called = true; });
        REQUIRE(process);
        id = (*process)->id();
        (*process)->let_go();
        process->reset();
        CHECK(::kill(id, 0) == 0);
        loop.turn();
        CHECK(!called);
    }
    CHECK(::kill(id, SIGKILL) == 0);
    CHECK(::waitpid(id, nullptr, 0) == id);
}

TEST_CASE("a process has the descriptors and the environment that it was given, in their order") {
    Loop loop;
    SocketPair sockets;
    int status = -1;
    auto process =
        Process::start(loop,
                       {.program = "/bin/sh",
                        .arguments = {"-c", "echo \"$A $1\" >&4; exit 0", "name", "argument"},
                        .environment = {"A=b c"},
                        .descriptors = {Process::kNull, Process::kNull, STDERR_FILENO, Process::kNull, sockets.theirs.number()}},
                       [&](int exited_status, int) { status = exited_status; });
    REQUIRE(process);
    run_until(loop, [&] { return status >= 0; });
    CHECK(read_some(sockets.ours.number()) == "b c argument\n");
}

TEST_CASE("a loop that goes leaves no process behind") {
    int id = 0;
    {
        Loop loop;
        SocketPair sockets;
        auto process = Process::spawn(loop, "/bin/sleep", {"1000"}, std::move(sockets.theirs), [](int, int) {});
        REQUIRE(process);
        id = (*process)->id();
    }
    CHECK(gone(id));
}

TEST_CASE("a program that is not there is an error that names it") {
    Loop loop;
    SocketPair sockets;
    const auto process = Process::spawn(loop, "/no/such/program", {}, std::move(sockets.theirs), [](int, int) {});
    REQUIRE(!process);
    CHECK(process.error().kind == ErrorKind::Internal);
    CHECK(process.error().detail.find("/no/such/program") != std::string::npos);
}

TEST_CASE("a poll calls back when its descriptor is readable, until it is stopped") {
    Loop loop;
    SocketPair sockets;
    int calls = 0;
    loop::Poll poll(loop, sockets.ours.number(), [&] {
        ++calls;
        read_some(sockets.ours.number());
        if (calls == 2) poll.stop();
    });
    REQUIRE(::write(sockets.theirs.number(), "a", 1) == 1);
    run_until(loop, [&] { return calls == 1; });
    REQUIRE(::write(sockets.theirs.number(), "b", 1) == 1);
    run_until(loop, [&] { return calls == 2; });

    REQUIRE(::write(sockets.theirs.number(), "c", 1) == 1);
    bool passed = false;
    loop::Timer barrier(loop, [&] { passed = true; });
    barrier.start(std::chrono::milliseconds(5));  // some turns, in each of which the descriptor is readable
    run_until(loop, [&] { return passed; });
    CHECK(calls == 2);
}

TEST_CASE("a signal arrives on its loop") {
    Loop loop;
    int received = 0;
    const loop::Signal signal(loop, SIGUSR2, [&] { ++received; });
    ::kill(::getpid(), SIGUSR2);
    run_until(loop, [&] { return received == 1; });
}
