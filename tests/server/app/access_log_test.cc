#include "server/access_log.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::server;
using nlohmann::json;
using selvage::testing::TemporaryFolder;

namespace {

std::vector<json> lines_of(const std::string& path) {
    std::vector<json> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
    return lines;
}

const SteadyTime kReceived{std::chrono::seconds(1'000)};

http::Request request(std::string_view target = "/a?b=1") {
    http::Request request;
    request.method_text = "GET";
    request.protocol = http::Protocol::Http2;
    request.authority = "example.org";
    request.target = target;
    request.peer = "192.0.2.1";
    request.received = kReceived;
    return request;
}

http::Outcome outcome() {
    return {.status = 200,
            .verdict = http::Verdict::DiskHit,
            .complete = true,
            .body_bytes = 1'234,
            .fill_time = std::chrono::microseconds(56),
            .first_byte = kReceived + std::chrono::microseconds(78),
            .finished = kReceived + std::chrono::microseconds(90)};
}

struct Scene {
    // The lines are there when the log has gone.
    template <typename Write>
    std::vector<json> written(Write write) {
        {
            const auto access = *AccessLog::open(path, counters, log);
            write(access->add_writer());
        }
        return lines_of(path);
    }
    TemporaryFolder folder;
    std::string path = folder.at("access.log");
    Log log{2, LogLevel::Off};
    http::Counters counters;
};

}  // namespace

TEST_CASE("a request is one line of JSON") {
    Scene scene;
    const auto lines = scene.written([&](AccessLog::Writer& writer) {
        http::Request asked = request();
        asked.fields = {{"user-agent", "curl/8"}, {"referer", "https://example.org/"}};
        writer.write(asked, outcome(), scene.counters);
        writer.write(request(), {.status = 408}, scene.counters);
    });
    REQUIRE(lines.size() == 2);
    json first = lines[0];
    const std::string time = first["time"];
    CHECK(time.size() == 24);  // 2026-11-20T10:00:00.123Z
    CHECK(time[10] == 'T');
    CHECK(time.back() == 'Z');
    first.erase("time");
    CHECK(first == json{{"client", "192.0.2.1"},
                        {"method", "GET"},
                        {"host", "example.org"},
                        {"target", "/a?b=1"},
                        {"protocol", "h2"},
                        {"status", 200},
                        {"bytes", 1'234},
                        {"duration_us", 90},
                        {"first_byte_us", 78},
                        {"fill_us", 56},
                        {"cache", http::name_of(http::Verdict::DiskHit)},
                        {"complete", true},
                        {"referer", "https://example.org/"},
                        {"user_agent", "curl/8"}});
    CHECK(lines[1]["complete"] == false);
    CHECK(lines[1]["first_byte_us"] == 0);
    CHECK(!lines[1].contains("user_agent"));
}

TEST_CASE("a request that was refused before it was one has no duration") {
    Scene scene;
    const auto lines = scene.written([&](AccessLog::Writer& writer) {
        http::Request refused;
        refused.method_text = "-";
        http::Outcome result = outcome();
        result.status = 414;
        writer.write(refused, result, scene.counters);
    });
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["duration_us"] == 0);
    CHECK(lines[0]["status"] == 414);
}

TEST_CASE("nothing that a client sends can forge a line or break the JSON") {
    Scene scene;
    std::string hostile;
    for (int byte = 0; byte < 256; ++byte) hostile += static_cast<char>(byte);
    hostile += "\"}\n{\"status\":200}\n\\\"\xc3\x28\xf0\x9f";
    const auto lines = scene.written([&](AccessLog::Writer& writer) {
        http::Request asked = request(hostile);
        asked.method_text = hostile;
        asked.authority = hostile;
        asked.fields = {{"user-agent", hostile}, {"referer", hostile}};
        writer.write(asked, outcome(), scene.counters);
    });
    REQUIRE(lines.size() == 1);  // parsed, one by one
    for (const char* member : {"target", "method", "host", "user_agent", "referer"}) {
        INFO(member);
        // Every byte is a character of its own value: ISO 8859-1, and so invertible.
        const std::string text = lines[0][member];
        std::string back;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const auto lead = static_cast<unsigned char>(text[i]);
            if (lead < 0x80) {
                back += text[i];
            } else {
                back += static_cast<char>((lead & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
            }
        }
        CHECK(back == hostile);
    }
    std::ostringstream raw;
    raw << std::ifstream(scene.path).rdbuf();
    CHECK(raw.str().find_first_not_of("\n\x20\x21") != std::string::npos);
    for (const char byte : raw.str()) REQUIRE((byte == '\n' || (byte >= 0x20 && byte < 0x7f)));
}

TEST_CASE("after rotation the lines go into the file that has the name then") {
    Scene scene;
    const std::string rotated = scene.folder.at("access.log.1");
    {
        const auto access = *AccessLog::open(scene.path, scene.counters, scene.log);
        AccessLog::Writer& writer = access->add_writer();
        std::filesystem::rename(scene.path, rotated);
        access->reopen();
        writer.write(request(), outcome(), scene.counters);
    }
    CHECK(lines_of(scene.path).size() == 1);
    CHECK(lines_of(rotated).empty());
}

TEST_CASE("a name that cannot be opened again leaves the old file in use") {
    TemporaryFolder folder;
    Scene scene;
    folder.make("logs");
    scene.path = folder.at("logs/access.log");
    {
        const auto access = *AccessLog::open(scene.path, scene.counters, scene.log);
        AccessLog::Writer& writer = access->add_writer();
        folder.rename("logs", "old");
        access->reopen();
        writer.write(request(), outcome(), scene.counters);
    }
    CHECK(lines_of(folder.at("old/access.log")).size() == 1);
}

TEST_CASE("writers of several loops do not mix their lines, and the file is added to") {
    constexpr int kLoops = 4, kLines = 500;
    Scene scene;
    for (int round = 1; round <= 2; ++round) {
        {
            const auto access = *AccessLog::open(scene.path, scene.counters, scene.log);
            std::vector<AccessLog::Writer*> writers;
            for (int i = 0; i < kLoops; ++i) writers.push_back(&access->add_writer());
            std::vector<std::jthread> loops;
            for (AccessLog::Writer* writer : writers) {
                loops.emplace_back([&scene, writer] {
                    for (int i = 0; i < kLines; ++i) writer->write(request(), outcome(), scene.counters);
                });
            }
        }
        CHECK(lines_of(scene.path).size() == static_cast<std::size_t>(round * kLoops * kLines));
    }
    CHECK(scene.counters.value(http::Counter::AccessLogDropped) == 0);
}

TEST_CASE("a line that is longer than all that is usually written at once arrives whole") {
    Scene scene;
    const std::string long_target(500'000, '"');
    const auto lines = scene.written([&](AccessLog::Writer& writer) {
        writer.write(request("/before"), outcome(), scene.counters);
        writer.write(request(long_target), outcome(), scene.counters);
        writer.write(request("/after"), outcome(), scene.counters);
    });
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["target"] == "/before");
    CHECK(lines[1]["target"] == long_target);
    CHECK(lines[2]["target"] == "/after");
}

TEST_CASE("what the disk is too slow for is dropped and counted, never waited for") {
    constexpr std::uint64_t kLines = 60'000;  // 14 MiB
    Scene scene;
    const std::string pipe = scene.folder.at("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const FileDescriptor end(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    auto access = *AccessLog::open(pipe, scene.counters, scene.log);
    AccessLog::Writer& writer = access->add_writer();
    for (std::uint64_t i = 0; i < kLines; ++i) writer.write(request(), outcome(), scene.counters);  // nobody reads
    const std::uint64_t dropped = scene.counters.value(http::Counter::AccessLogDropped);
    CHECK(dropped > kLines / 2);
    CHECK(dropped < kLines - 10'000);

    std::uint64_t arrived = 0;
    std::jthread reader([&] {
        ::fcntl(end.number(), F_SETFL, 0);
        char buffer[4096];
        for (ssize_t size; (size = ::read(end.number(), buffer, sizeof(buffer))) > 0;) {
            arrived += static_cast<std::uint64_t>(std::count(buffer, buffer + size, '\n'));
        }
    });
    access.reset();  // writes what is left
    reader.join();
    CHECK(arrived + dropped == kLines);
}

TEST_CASE("lines that a full disk does not take are counted") {
    constexpr std::uint64_t kLines = 1'000;
    Scene scene;
    auto access = *AccessLog::open("/dev/full", scene.counters, scene.log);
    AccessLog::Writer& writer = access->add_writer();
    for (std::uint64_t i = 0; i < kLines; ++i) writer.write(request(), outcome(), scene.counters);
    access.reset();  // writes what is left
    CHECK(scene.counters.value(http::Counter::AccessLogLost) == kLines);
}

TEST_CASE("a folder that is not there is an error that names the file") {
    Log log(2, LogLevel::Off);
    http::Counters counters;
    const auto opened = AccessLog::open("/no/such/folder/access.log", counters, log);
    REQUIRE(!opened);
    CHECK(opened.error().kind == ErrorKind::Internal);
    CHECK(opened.error().detail.find("/no/such/folder/access.log") != std::string::npos);
}
