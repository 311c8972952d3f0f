#include "server/upgrade/successor.h"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/wait.h>

#include <optional>

#include "server/loop/tcp_listener.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using selvage::testing::run_until;
using upgrade::Successor;
using namespace std::chrono_literals;

namespace {

struct Scene {
    // What became of a shell script in the place of the program.
    Successor::Outcome run(const std::string& script, std::chrono::milliseconds patience = 20s) {
        FileDescriptor socket = *loop::TcpListener::bind("127.0.0.1", 0);
        std::optional<Successor::Outcome> outcome;
        successor = *Successor::start(loop,
                                      {.program = "/bin/sh",
                                       .arguments = {"-c", script},
                                       .sockets = {{.what = "https://127.0.0.1:0", .number = socket.number()}},
                                       .patience = patience},
                                      [&](const Successor::Outcome& settled) { outcome = settled; });
        run_until(loop, [&] { return outcome.has_value(); });
        return *outcome;
    }
    loop::Loop loop;
    std::unique_ptr<Successor> successor;
};

}  // namespace

TEST_CASE("a successor that says so serves, and lives on by itself") {
    Scene scene;
    const auto outcome = scene.run("echo \"ready $$\" >&3; exec 3>&-; exec sleep 1000");
    CHECK(outcome.reason.empty());
    REQUIRE(outcome.process > 0);
    scene.successor.reset();
    CHECK(::kill(outcome.process, 0) == 0);
    CHECK(::kill(outcome.process, SIGKILL) == 0);
    CHECK(::waitpid(outcome.process, nullptr, 0) == outcome.process);
}

TEST_CASE("a successor is told what it has been left") {
    Scene scene;
    const auto outcome = scene.run("test -S /dev/fd/4 && printf 'failed\\n%s' \"$SELVAGE_SOCKETS\" >&3");
    CHECK(outcome.reason == "3=ready 4=https://127.0.0.1:0");
}

TEST_CASE("why a successor does not serve is known") {
    Scene scene;
    CHECK(scene.run("exit 3").reason.find("status 3") != std::string::npos);
    CHECK(scene.run("kill -9 $$").reason.find("signal 9") != std::string::npos);
    CHECK(scene.run("printf 'failed\\na.toml:1:2: no\\nb\\n' >&3; exit 1").reason == "a.toml:1:2: no\nb");
    CHECK(scene.run("echo hello >&3; exit 0").reason.find("status 0") != std::string::npos);
    CHECK(scene.run("exec 3>&-; exit 4").reason.find("status 4") != std::string::npos);
    CHECK(scene.run("while :; do echo noise; done >&3 & wait", 300ms).reason.find("300 ms") != std::string::npos);
}

TEST_CASE("a silent successor is killed when our patience is over") {
    Scene scene;
    const auto outcome = scene.run("exec sleep 1000", 200ms);
    CHECK(outcome.process == 0);
    CHECK(outcome.reason == "it was not ready within 200 ms");
}

TEST_CASE("a program that is not there does not start") {
    loop::Loop loop;
    const auto started = Successor::start(loop, {.program = "/no/such/program", .arguments = {}, .sockets = {}, .patience = 1s},
                                          [](const Successor::Outcome&) {});
    REQUIRE(!started);
    CHECK(started.error().detail.find("/no/such/program") != std::string::npos);
}
