// What HTTP/2 allows and nobody does in good faith: protocol-and-limits §2. What is honest, just below each limit, passes.
#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "tests/server/http_sessions/http2_raw.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::testing;
using namespace std::chrono_literals;
using http::LimitHit;

namespace {

std::string reset(std::uint32_t stream) { return frame(FrameType::RstStream, 0, stream, u32(8)); }
std::string ping() { return frame(FrameType::Ping, 0, 0, "12345678"); }

std::string repeat(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

int hits(const RawServer& server, LimitHit limit) {
    const auto place = server.talk.observer.hits.find(limit);
    return place == server.talk.observer.hits.end() ? 0 : place->second;
}

bool ended_by(const RawServer& server, LimitHit limit) {
    return server.ended() == ErrorCode::EnhanceYourCalm && server.talk.session->finished() && hits(server, limit) == 1;
}

// Few points, and none that come back while the test runs.
config::Config few_glitches() {
    config::Config limits;
    limits.http2.glitches = 50;
    limits.http2.glitches_per_second = 0;
    return limits;
}

// One of `frames` each time, after `opening`: how many are taken before the connection is ended.
int affordable(const std::string& one, const std::string& opening = {}) {
    RawWaiting server(few_glitches());
    server.hear(opening);
    REQUIRE(!server.ended());
    int times = 0;
    for (; times < 1'000; ++times) {
        server.hear(one);
        if (server.ended()) break;
    }
    CHECK(ended_by(server, LimitHit::Glitches));
    return times;
}

// The seconds that pass while the loop has nothing to do.
void pass(RawServer& server, SteadyTime& now, int seconds, const std::string& each_second = {}) {
    for (int i = 0; i < seconds && !server.talk.session->finished(); ++i) {
        if (!each_second.empty()) server.hear(each_second);
        now += 1s;
        server.talk.session->tick(now);
        server.talk.settle();
    }
}

http::Answer large() { return answer_with(200, pattern(200'000)); }

}  // namespace

SCENARIO("frames of no use have a price, and so much may be spent") {
    const std::string upload = headers(1, kPost, flag::kEndHeaders);
    CHECK(affordable(data(1, ""), upload) == 10);
    CHECK(affordable(data(1, std::string("\x02\0\0", 3), flag::kPadded), upload) == 25);
    CHECK(affordable(frame(FrameType::Settings, 0, 0)) == 10);
    CHECK(affordable(frame(FrameType::Settings, flag::kAck, 0), frame(FrameType::Settings, flag::kAck, 0)) == 10);
    CHECK(affordable(ping()) == 50);
    CHECK(affordable(frame(FrameType::Ping, flag::kAck, 0, "12345678")) == 50);
    CHECK(affordable(frame(FrameType::Priority, 0, 9, u32(3) + "x")) == 50);
    CHECK(affordable(frame(FrameType::PriorityUpdate, 0, 0, u32(11) + "u=1")) == 50);
    CHECK(affordable(window(0, 63)) == 50);
    CHECK(affordable(window(1, 1), headers(1)) == 50);
    CHECK(affordable(frame(static_cast<FrameType>(0x77), 0, 0, "x")) == 50);
    CHECK(affordable(frame(FrameType::GoAway, 0, 0, u32(0) + u32(0))) == 5);

    THEN("empty header fragments have one too") {
        RawServer server(few_glitches());
        std::uint32_t id = 1;
        for (; id < 100 && !server.ended(); id += 2) {
            server.hear(headers(id, "", flag::kEndStream));
            server.hear(frame(FrameType::Continuation, 0, id, ""));
            server.hear(frame(FrameType::Continuation, flag::kEndHeaders, id, kGet));
        }
        CHECK(ended_by(server, LimitHit::Glitches));
        CHECK(server.talk.dispatcher.seen.size() == 5);
    }
    THEN("frames on a stream that we have reset too") {
        RawServer server(few_glitches());
        server.hear(headers(1, kPost, flag::kEndHeaders));
        SteadyTime now = loop::Loop::precise();
        pass(server, now, 2);
        REQUIRE(server.reset(1) == ErrorCode::NoError);
        for (int i = 0; i < 25; ++i) server.hear(data(1, "late"));
        CHECK(!server.ended());
        server.hear(data(1, "late"));
        CHECK(ended_by(server, LimitHit::Glitches));
    }
    THEN("requests after the last one that we announced too") {
        RawServer server(few_glitches());
        server.talk.session->drain();
        server.talk.session->drain();
        server.talk.settle();
        std::uint32_t id = 1;
        for (; id < 200 && server.ended() == ErrorCode::NoError; id += 2) server.hear(headers(id));
        CHECK(server.talk.dispatcher.seen.empty());
        CHECK(server.talk.session->finished());
    }
}

SCENARIO("what is of use costs nothing") {
    RawServer server(few_glitches());
    server.talk.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(1'000)); };
    THEN("windows opened by 64 bytes and more, of finished streams too") {
        for (std::uint32_t id = 1; id < 1'000; id += 2) server.hear(headers(id) + window(0, 1'000) + window(id, 1'000));
        CHECK(server.alive(1'001));
    }
    THEN("content in small pieces, and an empty one at its end") {
        server.talk.dispatcher.reply = [](const http::Request&) { return answer_with(405); };
        std::string upload;
        for (std::uint32_t id = 1; id < 200; id += 2) {
            upload = headers(id, kPost, flag::kEndHeaders) + repeat(data(id, "x"), 10) + data(id, "", flag::kEndStream);
            server.hear(upload);
        }
        CHECK(server.alive(201));
    }
    THEN("the acknowledgement of our settings") {
        server.hear(frame(FrameType::Settings, flag::kAck, 0));
        server.hear(repeat(ping(), 50));
        CHECK(server.alive(1));
    }
}

SCENARIO("acknowledgements are not piled up") {
    RawServer server;
    THEN("a hundred in one read are answered") {
        server.hear(repeat(ping(), 100));
        CHECK(server.said().size() == 100);
        server.hear(repeat(ping(), 100));
        CHECK(server.said().size() == 200);
        CHECK(server.alive(1));
    }
    THEN("one more is a flood") {
        server.hear(repeat(ping(), 5'000));
        CHECK(ended_by(server, LimitHit::Acknowledgements));
        CHECK(server.talk.all.size() <= 101 * 17 + 17);
    }
    THEN("SETTINGS count as well") {
        server.hear(repeat(frame(FrameType::Settings, 0, 0), 101));
        CHECK(ended_by(server, LimitHit::Acknowledgements));
    }
}

TEST_CASE("what waits to be said is bounded, whatever a client sends and however slowly") {
    config::Config limits;  // nothing but the bound may stop it
    limits.http2.resets = limits.http2.refused = 100;
    limits.http2.resets_per_second = limits.http2.glitches = limits.http2.glitches_per_second = 1'000'000;
    limits.http2.early_resets = 100;
    RawServer server(limits);
    http::Session& session = *server.talk.session;
    // Nothing is produced: a connection whose socket is full would not read either.
    for (std::uint32_t id = 1; id < 100'000; id += 2) session.feed(headers(id, kGet + "\x88"));
    CHECK(server.talk.settle().size() < 16 * 1024);
    CHECK(server.ended() == ErrorCode::EnhanceYourCalm);
}

SCENARIO("header blocks in many frames") {
    THEN("eight CONTINUATIONs are enough for anybody") {
        RawServer server;
        server.hear(headers(1, kGet.substr(0, 1), flag::kEndStream));
        for (int i = 0; i < 7; ++i) server.hear(frame(FrameType::Continuation, 0, 1, "\x90"));
        server.hear(frame(FrameType::Continuation, flag::kEndHeaders, 1, ""));
        CHECK(!server.ended());
        CHECK(hits(server, LimitHit::Continuations) == 0);
    }
    THEN("the ninth ends the connection") {
        RawServer server;
        server.hear(headers(1, kGet, flag::kEndStream));
        for (int i = 0; i < 9; ++i) server.hear(frame(FrameType::Continuation, 0, 1, "\x90"));
        CHECK(ended_by(server, LimitHit::Continuations));
    }
    THEN("a block that does not end is ended with a word when its time is over, however it trickles") {
        RawServer server;
        SteadyTime now = loop::Loop::precise();
        server.hear(headers(1, kGet, flag::kEndStream));
        CHECK(server.talk.session->waiting() == http::Waiting::HeaderBlock);
        for (int i = 0; i < 8; ++i) pass(server, now, 1, frame(FrameType::Continuation, 0, 1, "\x90"));
        CHECK(!server.ended());
        pass(server, now, 3);
        CHECK(server.ended() == ErrorCode::NoError);
        CHECK(server.talk.session->finished());
        CHECK(hits(server, LimitHit::HeaderBlockTime) == 1);
    }
    THEN("one that ends in time was no fault, nor is the next one's time its own") {
        RawServer server;
        SteadyTime now = loop::Loop::precise();
        for (std::uint32_t id = 1; id < 20; id += 2) {
            server.hear(headers(id, kGet.substr(0, 1), flag::kEndStream));
            server.talk.session->tick(now + 9s);
            server.hear(frame(FrameType::Continuation, flag::kEndHeaders, id, kGet.substr(1)));
            CHECK(server.answered(id));
        }
    }
    THEN("one that is too large as it came is refused, and the connection lives") {
        RawServer server;
        const std::string chunk = std::string("\x00\x01x\x7f\xe0\x7c", 6) + std::string(16'095, 'v');  // 7f e0 7c: 127 + 15,968
        server.hear(headers(1, kGet + chunk, flag::kEndStream));
        server.hear(frame(FrameType::Continuation, 0, 1, chunk));
        server.hear(frame(FrameType::Continuation, flag::kEndHeaders, 1, chunk));
        CHECK(server.answered(1));
        CHECK(server.talk.dispatcher.seen.empty());
        CHECK(hits(server, LimitHit::HeaderBytes) == 1);
        CHECK(server.alive(3));
    }
}

SCENARIO("a small block that says much") {                                                        // HPACK bombs
    const std::string entry = std::string("\x40\x01x\x7f\x81\x1e", 6) + std::string(3'968, 'v');  // 3,969 bytes in the table
    THEN("64 KiB more than was sent end the connection") {
        RawServer server;
        server.hear(headers(1, kGet + entry + repeat("\xbe", 18)));  // 75 KB of 4
        CHECK(ended_by(server, LimitHit::HeaderBytes));
    }
    THEN("less is refused alone") {
        RawServer server;
        server.hear(headers(1, kGet + entry + repeat("\xbe", 14)));
        CHECK(server.answered(1));
        CHECK(server.talk.dispatcher.seen.empty());
        CHECK(server.alive(3));
    }
    THEN("cookies in crumbs are counted like any other field") {
        RawServer server;
        const std::string crumb = std::string(
            "\x60\x01"
            "a",
            3);  // cookie: a, from the table from then on
        server.hear(headers(1, kGet + crumb + repeat("\xbe", 1'000)));
        CHECK(server.answered(1));
        CHECK(server.talk.dispatcher.seen.empty());
        CHECK(hits(server, LimitHit::HeaderFields) == 1);
        CHECK(server.alive(3));
    }
}

SCENARIO("requests that are taken back at once") {  // CVE-2023-44487
    GIVEN("work that has not ended") {
        config::Config limits;
        limits.http2.streams = 4;
        RawWaiting server(limits);
        for (std::uint32_t id = 1; id <= 7; id += 2) server.hear(headers(id) + reset(id));
        THEN("it is reported as the client's doing, and withdrawn") {
            REQUIRE(server.talk.dispatcher.outcomes.size() == 4);
            CHECK(server.talk.dispatcher.outcomes[0].status == http::kClientGone);
            CHECK(server.desk.withdrawn(0));
            CHECK(!server.desk.dropped(0));
            CHECK(server.talk.session->waiting() == http::Waiting::Nothing);
        }
        THEN("it keeps its place: nobody has more than four at work for him") {
            server.hear(headers(9) + headers(11));
            CHECK(server.reset(9) == ErrorCode::RefusedStream);
            CHECK(server.reset(11) == ErrorCode::RefusedStream);
            CHECK(server.talk.dispatcher.seen.size() == 4);
            CHECK(hits(server, LimitHit::Streams) == 2);
        }
        THEN("when it ends, one may come in") {
            server.desk.complete(2, answer_with(200, "nobody reads this"));
            CHECK(server.desk.dropped(2));
            server.hear(headers(9) + headers(11));
            CHECK(!server.reset(9));
            CHECK(server.reset(11) == ErrorCode::RefusedStream);
            CHECK(server.talk.dispatcher.outcomes.size() == 4);
            CHECK(!server.answered(5));
        }
        THEN("with the connection all of it goes") {
            server.talk.session.reset();
            for (std::size_t i = 0; i < 4; ++i) CHECK(server.desk.dropped(i));
            CHECK(server.talk.dispatcher.outcomes.size() == 4);
        }
        THEN("with the connection's last word too") {
            server.hear(data(0, "x"));
            REQUIRE(server.ended() == ErrorCode::ProtocolError);
            for (std::size_t i = 0; i < 4; ++i) CHECK(server.desk.dropped(i));
        }
        THEN("a connection that drains does not wait for it") {
            server.talk.session->drain();
            server.talk.session->drain();
            server.talk.settle();
            CHECK(server.talk.session->finished());
        }
    }
    GIVEN("more than 200 at once") {
        RawServer server;
        for (std::uint32_t id = 1; id <= 399; id += 2) server.hear(headers(id) + reset(id));
        THEN("200 are a page that was left") { CHECK(server.alive(401)); }
        THEN("with the next the connection ends") {
            // Less than a tenth of a second has passed, or a few have come back.
            for (std::uint32_t id = 403; id <= 499 && !server.ended(); id += 2) server.hear(headers(id) + reset(id));
            CHECK(server.ended() == ErrorCode::EnhanceYourCalm);
            CHECK(hits(server, LimitHit::Resets) + hits(server, LimitHit::EarlyResets) == 1);
        }
    }
    GIVEN("most of many, so slowly that the bucket allows it") {
        config::Config limits;
        limits.http2.resets = 20;
        limits.http2.resets_per_second = 1'000'000;
        RawServer server(limits);
        std::uint32_t id = 1;
        for (; id < 2'000 && !server.ended(); id += 2) server.hear(headers(id) + reset(id));
        CHECK(ended_by(server, LimitHit::EarlyResets));
        CHECK(server.talk.dispatcher.seen.size() == 21);
    }
    GIVEN("half of them") {
        config::Config limits;
        limits.http2.resets = 20;
        limits.http2.resets_per_second = 1'000'000;
        RawServer server(limits);
        for (std::uint32_t id = 1; id < 2'000; id += 4) server.hear(headers(id) + headers(id + 2) + reset(id));
        CHECK(server.alive(2'001));
    }
    GIVEN("a limit of one's own for them") {
        config::Config limits;
        limits.http2.resets = 10;
        limits.http2.resets_per_second = 0;
        RawServer server(limits);
        server.hear(repeat(headers(1) + reset(1), 1));
        for (std::uint32_t id = 3; id <= 19; id += 2) server.hear(headers(id) + reset(id));
        CHECK(!server.ended());
        server.hear(reset(19));
        CHECK(ended_by(server, LimitHit::Resets));
    }
}

SCENARIO("resets that are provoked from us") {  // CVE-2025-8671
    config::Config limits;
    limits.http2.resets = 10;
    limits.http2.resets_per_second = 0;
    const auto provoked = [&](const char* what, const auto& request) {
        INFO(what);
        RawWaiting server(limits);
        std::uint32_t id = 1;
        for (; id < 200 && !server.ended(); id += 2) server.hear(request(id));
        CHECK(ended_by(server, LimitHit::Resets));
        CHECK(id == 23);
    };
    const auto upload = [](std::uint32_t id) { return headers(id, kPost, flag::kEndHeaders); };
    provoked("malformed fields", [](std::uint32_t id) { return headers(id, kGet + "\x88"); });
    provoked("content of another length", [](std::uint32_t id) {
        return headers(id,
                       kPost +
                           "\x0f\x0d\x01"
                           "5",
                       flag::kEndHeaders) +
               data(id, "1", flag::kEndStream);
    });
    provoked("DATA after the end", [](std::uint32_t id) { return headers(id) + data(id, "x"); });
    provoked("trailers after the end", [](std::uint32_t id) { return headers(id) + headers(id); });
    provoked("trailers that do not end", [&](std::uint32_t id) {
        return upload(id) + headers(id,
                                    "\x0f\x0d\x01"
                                    "5",
                                    flag::kEndHeaders);
    });
    provoked("WINDOW_UPDATE of 0", [](std::uint32_t id) { return headers(id) + window(id, 0); });
    provoked("windows that overflow", [](std::uint32_t id) { return headers(id) + window(id, 0x7fff'ffff); });
    provoked("PRIORITY of another size", [](std::uint32_t id) { return headers(id) + frame(FrameType::Priority, 0, id, "abc"); });
}

SCENARIO("requests beyond the streams that were announced, again and again") {
    config::Config limits;
    limits.http2.streams = 2;
    RawWaiting server(limits);
    server.hear(headers(1) + headers(3));
    for (std::uint32_t id = 5; id < 205; id += 2) server.hear(headers(id));
    THEN("a hundred are refused one by one, and those under way go on") {
        CHECK(!server.ended());
        CHECK(server.reset(203) == ErrorCode::RefusedStream);
        server.desk.complete(0, answer_with(204));
        server.talk.settle();
        CHECK(server.answered(1));
    }
    THEN("one more ends the connection") {
        server.hear(headers(205));
        CHECK(ended_by(server, LimitHit::RefusedStreams));
        CHECK(hits(server, LimitHit::Streams) == 101);
    }
}

SCENARIO("a stream that is reset while its file is read from the disk") {
    config::Config limits;
    limits.http2.streams = 1;
    RawServer server(limits);
    const auto file = std::make_shared<FakeFile>(pattern(10'000));
    file->cached = 0;
    server.talk.dispatcher.reply = [&](const http::Request&) { return answer_with(200, file_body(file)); };
    // The one thread of the pool is busy: the read has not begun.
    std::promise<void> open;
    server.pool.detach(loop::WorkPool::Lane::Now, [opened = open.get_future().share()] { opened.get(); });
    server.hear(headers(1));
    REQUIRE(server.answered(1));
    server.hear(reset(1));
    THEN("it keeps its place until the thread has done with it") {
        server.hear(headers(3));
        CHECK(server.reset(3) == ErrorCode::RefusedStream);
        open.set_value();
        bool passed = false;
        const auto barrier =
            server.pool.submit(server.loop, loop::WorkPool::Lane::Now, [] { return 0; }, [&](int) { passed = true; });
        run_until(server.loop, [&] { return passed; });
        file->cached = 10'000;
        server.hear(headers(5));
        CHECK(server.body(5) == 10'000);
        CHECK(server.body(1) == 0);
    }
    THEN("with the connection it goes") {
        server.talk.session.reset();
        open.set_value();
    }
}

SCENARIO("windows that stay closed") {
    config::Config limits;
    limits.timeouts.stream_write = 10s;
    limits.timeouts.write = 20s;
    limits.timeouts.slow_write = 30s;
    RawServer server(limits);
    server.talk.dispatcher.reply = [](const http::Request&) { return large(); };
    SteadyTime now = loop::Loop::precise();

    GIVEN("one stream's, of zero bytes") {
        server.hear(settings(4, 0));
        server.hear(headers(1));
        REQUIRE(server.answered(1));
        pass(server, now, 10);
        CHECK(!server.reset(1));
        pass(server, now, 1);
        THEN("it is reset, and the connection goes on") {
            CHECK(server.reset(1) == ErrorCode::Cancel);
            CHECK(hits(server, LimitHit::StreamWrite) == 1);
            REQUIRE(server.talk.dispatcher.outcomes.size() == 1);
            CHECK(!server.talk.dispatcher.outcomes[0].complete);
            CHECK(server.alive(3));
        }
    }
    GIVEN("one that is opened a byte at a time") {
        server.hear(settings(4, 0));
        server.hear(headers(1));
        pass(server, now, 32, window(1, 1));
        CHECK(server.reset(1) == ErrorCode::Cancel);
        CHECK(hits(server, LimitHit::WriteRate) == 1);
        CHECK(!server.ended());
    }
    GIVEN("one that is opened by 500 bytes per second") {
        server.hear(settings(4, 0) + window(0, 1'000'000));
        server.hear(headers(1));
        pass(server, now, 300, window(1, 500));
        CHECK(!server.ended());
        CHECK(!server.reset(1));
        CHECK(server.body(1) == 150'000);
    }
    GIVEN("one that is toggled by SETTINGS") {
        server.hear(settings(4, 0));
        server.hear(headers(1));
        for (int i = 0; i < 40 && !server.reset(1) && !server.ended(); ++i) {
            server.hear(settings(4, 1) + settings(4, 0));
            pass(server, now, 1);
        }
        CHECK(server.reset(1) == ErrorCode::Cancel);
        CHECK(server.body(1) <= 1);
    }
    GIVEN("the connection's") {
        server.hear(settings(4, 1'000'000));
        server.hear(headers(1));
        REQUIRE(server.body(1) == 65'535);
        pass(server, now, 20);
        CHECK(!server.ended());
        pass(server, now, 1);
        THEN("the connection ends with a word") {
            CHECK(server.ended() == ErrorCode::NoError);
            CHECK(server.talk.session->finished());
            CHECK(hits(server, LimitHit::WriteProgress) == 1);
        }
    }
    GIVEN("the connection's, opened a byte at a time, with PINGs") {
        server.hear(settings(4, 1'000'000));
        server.hear(headers(1));
        pass(server, now, 32, window(0, 1) + ping());
        CHECK(server.ended() == ErrorCode::NoError);
        CHECK(hits(server, LimitHit::WriteRate) == 1);
    }
    GIVEN("the connection's, opened fast enough") {
        server.hear(settings(4, 1'000'000));
        server.hear(headers(1));
        pass(server, now, 200, window(0, 500));
        CHECK(!server.ended());
        CHECK(server.body(1) == 65'535 + 100'000);
    }
    GIVEN("a stream whose own is open, behind one that is more urgent") {
        server.hear(settings(4, 1'000'000));
        server.hear(headers(1) + headers(3));
        pass(server, now, 100, window(0, 600));  // all of it for the first
        THEN("it is not to blame") {
            CHECK(!server.reset(3));
            CHECK(server.body(3) == 0);
        }
    }
    GIVEN("an answer that takes us long") {
        Desk desk;
        server.talk.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
        server.hear(settings(4, 0) + headers(1));
        pass(server, now, 100);
        CHECK(!server.reset(1));
        CHECK(!server.ended());
    }
}

TEST_CASE("a client that never acknowledges the first GOAWAY gets the second, and what it asks then is not answered") {
    RawWaiting server;
    server.hear(headers(1));
    server.talk.session->drain();
    server.talk.settle();
    server.hear(headers(3));  // crosses it
    server.talk.session->drain();
    server.talk.settle();
    server.hear(headers(5));
    CHECK(server.talk.dispatcher.seen.size() == 2);
    CHECK(!server.talk.session->finished());
    server.desk.complete(0, answer_with(204));
    server.desk.complete(1, answer_with(204));
    server.talk.settle();
    CHECK(server.answered(3));
    CHECK(server.talk.session->finished());
}

TEST_CASE("a connection has greeted when its SETTINGS have come") {
    loop::Loop loop;
    loop::WorkPool pool(1);
    Conversation talk(Conversation::Version::Http2, loop, pool);
    const std::string greeting = std::string(http::kHttp2Preface) + frame(FrameType::Settings, 0, 0);
    for (const char byte : greeting) {
        CHECK(talk.session->waiting() == http::Waiting::Greeting);
        talk.receive({&byte, 1});
    }
    CHECK(talk.session->waiting() == http::Waiting::Nothing);
    CHECK(talk.session->requests() == 0);
    talk.receive(headers(1));
    CHECK(talk.session->requests() == 1);
}
