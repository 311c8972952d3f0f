#include "server/access_log_buffer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>

using selvage::server::LineBuffer;

namespace {

constexpr std::size_t kChunk = LineBuffer::kChunk;

bool append(LineBuffer& buffer, std::string_view line) {
    char* at = buffer.room(line.size());
    if (!at) at = buffer.next_room(line.size());
    if (!at) return false;
    std::memcpy(at, line.data(), line.size());
    buffer.publish(at + line.size());
    return true;
}

std::string drained(LineBuffer& buffer, LineBuffer::Take take = LineBuffer::Take::Everything) {
    std::string result;
    buffer.drain(take, [&](std::string_view lines) { result += lines; });
    return result;
}

}  // namespace

TEST_CASE("lines come out once, in their order, also of a chunk that is still being filled") {
    LineBuffer buffer(4 * kChunk, 1);
    CHECK(drained(buffer).empty());
    CHECK(append(buffer, "one\n"));
    CHECK(append(buffer, "two\n"));
    CHECK(drained(buffer) == "one\ntwo\n");
    CHECK(append(buffer, "three\n"));
    CHECK(drained(buffer) == "three\n");
    CHECK(drained(buffer).empty());
}

TEST_CASE("under load whole chunks are taken") {
    LineBuffer buffer(4 * kChunk, 2);
    const std::string line(kChunk / 2, 'x');
    for (int i = 0; i < 5; ++i) CHECK(append(buffer, line));
    CHECK(buffer.waiting() == 2);
    CHECK(drained(buffer, LineBuffer::Take::FullChunks).size() == 4 * line.size());
    CHECK(buffer.waiting() == 0);
    CHECK(drained(buffer, LineBuffer::Take::FullChunks).empty());
    CHECK(drained(buffer).size() == line.size());
}

TEST_CASE("no more is held than was said, and what was taken makes room") {
    LineBuffer buffer(4 * kChunk, 1);
    const std::string line(kChunk, 'x');
    for (int round = 0; round < 10; ++round) {
        int lines = 0;
        while (append(buffer, line)) ++lines;
        CHECK(lines >= 3);  // the chunk being filled may have been taken already
        CHECK(lines <= 4);
        CHECK(drained(buffer).size() == lines * line.size());
    }
}

TEST_CASE("a line that is longer than a chunk has one of its own, in the place of chunks that nobody uses") {
    LineBuffer buffer(6 * kChunk, 6);
    const std::string longer(3 * kChunk + 7, 'x');
    for (int round = 0; round < 3; ++round) {
        CHECK(append(buffer, "before\n"));
        CHECK(append(buffer, longer));
        CHECK(append(buffer, "after\n"));
        CHECK((drained(buffer) == "before\n" + longer + "after\n"));
    }
    CHECK(!append(buffer, std::string(6 * kChunk + 1, 'x')));  // than everything
    CHECK(append(buffer, "on\n"));
    CHECK(drained(buffer) == "on\n");
}

TEST_CASE("two threads: nothing is lost, torn or told twice") {
    constexpr int kLines = 200'000;
    LineBuffer buffer(64 * kChunk, 2);
    std::atomic<bool> made{false};
    int refused = 0;
    std::string out;
    std::jthread maker([&] {
        for (int i = 0; i < kLines; ++i) {
            const std::string line = std::to_string(i) + std::string(static_cast<std::size_t>(i % 50), '.') + "\n";
            while (!append(buffer, line)) {
                ++refused;
                std::this_thread::yield();
            }
        }
        made = true;
    });
    const auto take = [&out](std::string_view lines) { out += lines; };
    for (int turn = 0; !made; ++turn) {
        buffer.drain(turn % 2 == 0 ? LineBuffer::Take::FullChunks : LineBuffer::Take::Everything, take);
    }
    maker.join();
    buffer.drain(LineBuffer::Take::Everything, take);
    std::size_t at = 0;
    for (int i = 0; i < kLines; ++i) {
        const std::string line = std::to_string(i) + std::string(static_cast<std::size_t>(i % 50), '.') + "\n";
        if (out.compare(at, line.size(), line) != 0) FAIL("line " << i << " of " << kLines << ", refused " << refused);
        at += line.size();
    }
    CHECK(at == out.size());
}
