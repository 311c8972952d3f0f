#include "base/log.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/file_descriptor.h"

using namespace selvage;

namespace {

// A pipe, and what has been written to it.
struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        reader.reset(ends[0]);
        writer.reset(ends[1]);
    }
    std::string text() const {
        std::string out;
        std::array<char, 4096> buffer{};
        for (ssize_t n = 0; (n = ::read(reader.number(), buffer.data(), buffer.size())) > 0;) {
            out.append(buffer.data(), static_cast<std::size_t>(n));
        }
        return out;
    }
    FileDescriptor reader, writer;
};

}  // namespace

TEST_CASE("an event is one line: time, level, topic, message") {
    const Pipe pipe;
    Log log(pipe.writer.number(), LogLevel::Info);
    log.info("listener", "https://{}:{}", "127.0.0.1", 8443);
    const std::string line = pipe.text();
    REQUIRE(line.size() > 25);
    CHECK(line.substr(24) == " info listener: https://127.0.0.1:8443\n");
    CHECK(line[10] == 'T');
    CHECK(line[23] == 'Z');
}

TEST_CASE("nothing a peer sends can forge a line or reach a terminal") {
    const Pipe pipe;
    Log log(pipe.writer.number(), LogLevel::Info);
    log.warn("http", "{}", "a\n2026-11-20T10:00:00.000Z info x: \x1b[31m\x7f\t\xC3\xA9");
    const std::string line = pipe.text();
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.ends_with("warn http: a\\x0a2026-11-20T10:00:00.000Z info x: \\x1b[31m\\x7f\\x09\xC3\xA9\n"));
}

TEST_CASE("what is less severe than the level is not written, and the level may change") {
    const Pipe pipe;
    Log log(pipe.writer.number(), LogLevel::Warn);
    log.info("a", "b");
    CHECK(pipe.text().empty());
    log.set_level(LogLevel::Debug);
    log.debug("a", "b");
    CHECK_FALSE(pipe.text().empty());
    log.set_level(LogLevel::Off);
    log.error("a", "b");
    CHECK(pipe.text().empty());
}

TEST_CASE("lines of several threads do not mix") {
    const Pipe pipe;
    Log log(pipe.writer.number(), LogLevel::Info);
    std::vector<std::thread> threads;
    for (const char* name : {"aaaa", "bbbb", "cccc"}) {
        threads.emplace_back([&log, name] {
            for (int i = 0; i < 100; ++i) log.info("t", "{}", name);
        });
    }
    for (std::thread& thread : threads) thread.join();
    const std::string text = pipe.text();
    std::size_t lines = 0;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1, ++lines) {
        const std::string line = text.substr(at, end - at);
        CHECK(line.size() == 24 + std::string_view(" info t: aaaa").size());
    }
    CHECK(lines == 300);
}

TEST_CASE("level names are the configuration's") {
    for (const LogLevel level : {LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Off}) {
        CHECK(parse_log_level(name_of(level)) == level);
    }
    CHECK_FALSE(parse_log_level("INFO").has_value());
    CHECK_FALSE(parse_log_level("").has_value());
}
