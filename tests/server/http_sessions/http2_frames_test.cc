// What a client may not send, frame by frame, and what becomes of it: RFC 9113 §5, §6, §8.1.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/server/http_sessions/http2_raw.h"

using namespace selvage;
using namespace selvage::testing;

namespace {

using Server = RawServer;
using Waiting = RawWaiting;

void ends(const char* what, const std::string& bytes, ErrorCode code) {
    INFO(what);
    Server server;
    server.hear(bytes);
    REQUIRE(server.ended());
    CHECK(*server.ended() == code);
    CHECK(server.talk.session->finished());
    CHECK(server.talk.session->waiting() == http::Waiting::Nothing);
}

}  // namespace

TEST_CASE("connection errors are told with their code") {
    using enum FrameType;
    using enum ErrorCode;
    const std::string open = headers(1, kPost, flag::kEndHeaders);
    ends("DATA on stream 0 (§6.1)", data(0, "x"), ProtocolError);
    ends("DATA on an idle stream (§5.1)", data(1, "x"), ProtocolError);
    ends("padding longer than the frame (§6.1)",
         open + data(1,
                     "\x09"
                     "abc",
                     flag::kPadded),
         ProtocolError);
    ends("HEADERS on stream 0 (§6.2)", headers(0), ProtocolError);
    ends("HEADERS on an even stream (§5.1.1)", headers(2), ProtocolError);
    ends("HEADERS on a stream that was skipped (§5.1.1)", headers(5) + headers(3), StreamClosed);
    ends("padding longer than HEADERS (§6.2)", frame(Headers, flag::kEndHeaders | flag::kPadded, 1, "\x20\x82"), ProtocolError);
    ends("HEADERS that depend on themselves (RFC 7540 §5.3.1)",
         frame(Headers, flag::kEndHeaders | flag::kEndStream | flag::kPriority, 1, u32(1) + "\x0f" + kGet), ProtocolError);
    ends("another frame amid a header block (§6.10)", headers(1, kGet, 0) + frame(Ping, 0, 0, "12345678"), ProtocolError);
    ends("CONTINUATION of another stream (§6.10)", headers(1, kGet, 0) + frame(Continuation, flag::kEndHeaders, 3),
         ProtocolError);
    ends("CONTINUATION without HEADERS (§6.10)", frame(Continuation, flag::kEndHeaders, 1, kGet), ProtocolError);
    ends("CONTINUATION after the end of a block (§6.10)", headers(1) + frame(Continuation, flag::kEndHeaders, 1), ProtocolError);
    ends("PRIORITY on stream 0 (§6.3)", frame(Priority, 0, 0, u32(1) + "x"), ProtocolError);
    ends("RST_STREAM on stream 0 (§6.4)", frame(RstStream, 0, 0, u32(8)), ProtocolError);
    ends("RST_STREAM on an idle stream (§6.4)", frame(RstStream, 0, 1, u32(8)), ProtocolError);
    ends("RST_STREAM of another size (§6.4)", open + frame(RstStream, 0, 1, "abc"), FrameSizeError);
    ends("SETTINGS on a stream (§6.5)", frame(Settings, 0, 1), ProtocolError);
    ends("SETTINGS acknowledged with content (§6.5)", frame(Settings, flag::kAck, 0, "abcdef"), FrameSizeError);
    ends("SETTINGS of another size (§6.5)", frame(Settings, 0, 0, "abc"), FrameSizeError);
    ends("ENABLE_PUSH of 2 (§6.5.2)", settings(2, 2), ProtocolError);
    ends("INITIAL_WINDOW_SIZE above 2^31-1 (§6.5.2)", settings(4, 0x8000'0000), FlowControlError);
    ends("MAX_FRAME_SIZE below 16,384 (§6.5.2)", settings(5, 16'383), ProtocolError);
    ends("MAX_FRAME_SIZE above 2^24-1 (§6.5.2)", settings(5, 0x100'0000), ProtocolError);
    ends("NO_RFC7540_PRIORITIES of 2 (RFC 9218 §2.1)", settings(9, 2), ProtocolError);
    ends("PUSH_PROMISE (§8.4)", frame(PushPromise, flag::kEndHeaders, 1, u32(2) + kGet), ProtocolError);
    ends("PING on a stream (§6.7)", frame(Ping, 0, 1, "12345678"), ProtocolError);
    ends("PING of another size (§6.7)", frame(Ping, 0, 0, "1234567"), FrameSizeError);
    ends("GOAWAY on a stream (§6.8)", frame(GoAway, 0, 1, u32(0) + u32(0)), ProtocolError);
    ends("WINDOW_UPDATE of 0 on the connection (§6.9)", window(0, 0), ProtocolError);
    ends("WINDOW_UPDATE of another size (§6.9)", frame(WindowUpdate, 0, 0, "abc"), FrameSizeError);
    ends("WINDOW_UPDATE on an idle stream (§5.1)", window(1, 1), ProtocolError);
    ends("a connection window above 2^31-1 (§6.9.1)", window(0, 0x7fff'ffff), FlowControlError);
    ends("PRIORITY_UPDATE on a stream (RFC 9218 §7.1)", frame(PriorityUpdate, 0, 1, u32(1) + "u=1"), ProtocolError);
    ends("PRIORITY_UPDATE without an id (RFC 9218 §7.1)", frame(PriorityUpdate, 0, 0, "u=1"), FrameSizeError);
    ends("PRIORITY_UPDATE of a push (RFC 9218 §7.1)", frame(PriorityUpdate, 0, 0, u32(2) + "u=1"), ProtocolError);
    ends("broken HPACK (§4.3)", headers(1, "\x80"), CompressionError);
    ends("broken HPACK in trailers (§4.3)", open + headers(1, "\x80"), CompressionError);
    ends("a frame larger than announced (§4.2)", frame(Ping, 0, 0, std::string(16'385, 'x')), FrameSizeError);
}

TEST_CASE("a stream that is closed is not opened again") {  // RFC 9113 §5.1
    Server server;
    server.hear(headers(1));
    REQUIRE(server.answered(1));
    server.hear(headers(1));
    CHECK(server.ended() == ErrorCode::StreamClosed);
}

TEST_CASE("the first frame is SETTINGS") {  // RFC 9113 §3.4
    for (const std::string& first :
         {frame(FrameType::Ping, 0, 0, "12345678"), headers(1), frame(FrameType::Settings, flag::kAck, 0)}) {
        loop::Loop loop;
        loop::WorkPool pool(1);
        Conversation talk(Conversation::Version::Http2, loop, pool);
        talk.receive(std::string(http::kHttp2Preface) + first);
        CHECK(talk.session->finished());
        CHECK(talk.dispatcher.seen.empty());
    }
}

TEST_CASE("stream errors cost the stream and nothing else") {
    using enum ErrorCode;
    const auto costs = [](const char* what, const std::string& bytes, ErrorCode code) {
        INFO(what);
        Waiting server;
        server.hear(bytes);
        REQUIRE(server.reset(1));
        CHECK(*server.reset(1) == code);
        CHECK(!server.ended());
        server.talk.dispatcher.reply = [](const http::Request&) { return answer_with(204); };
        CHECK(server.alive(7));
    };
    const std::string open = headers(1, kPost, flag::kEndHeaders);
    costs("DATA after the end (§5.1)", headers(1) + data(1, "x"), StreamClosed);
    costs("trailers after the end (§5.1)", headers(1) + headers(1), StreamClosed);
    costs("trailers that do not end (§8.1)", open + headers(1, "\x00\x01x\x01y", flag::kEndHeaders), ProtocolError);
    costs("WINDOW_UPDATE of 0 (§6.9)", headers(1) + window(1, 0), ProtocolError);
    costs("a stream window above 2^31-1 (§6.9.1)", headers(1) + window(1, 0x7fff'ffff), FlowControlError);
    costs("PRIORITY of another size (§6.3)", headers(1) + frame(FrameType::Priority, 0, 1, "abc"), FrameSizeError);
    costs("content that is shorter than its length (§8.1.1)",
          headers(1,
                  kPost + "\x0f\x0d\x01"
                          "5",
                  flag::kEndHeaders) +
              data(1, "1234", flag::kEndStream),
          ProtocolError);
    costs("content without DATA (§8.1.1)",
          headers(1, kPost + "\x0f\x0d\x01"
                             "5"),
          ProtocolError);
    costs("no :path (§8.3.1)",
          headers(1,
                  "\x82\x87\x41\x01"
                  "a"),
          ProtocolError);
    costs("no :scheme (§8.3.1)",
          headers(1,
                  "\x82\x84\x41\x01"
                  "a"),
          ProtocolError);
    costs("no :method (§8.3.1)",
          headers(1,
                  "\x87\x84\x41\x01"
                  "a"),
          ProtocolError);
    costs("two :path (§8.3.1)", headers(1, kGet + "\x84"), ProtocolError);
    costs("a pseudo-header field of responses (§8.3)", headers(1, kGet + "\x88"), ProtocolError);
    costs("a pseudo-header field after others (§8.3)", headers(1, std::string("\x82\x87\x00\x01x\x01y\x84", 8)), ProtocolError);
    costs("a name in upper case (§8.2)", headers(1, kGet + std::string("\x00\x01X\x01y", 5)), ProtocolError);
    costs("connection: close (§8.2.2)",
          headers(1, kGet + std::string("\x00\x0a"
                                        "connection\x05"
                                        "close",
                                        18)),
          ProtocolError);
    costs("a target without a slash (§8.3.1)",
          headers(1,
                  "\x82\x87\x04\x01x\x41\x01"
                  "a"),
          ProtocolError);
    costs("an asterisk for GET (§8.3.1)",
          headers(1,
                  "\x82\x87\x04\x01*\x41\x01"
                  "a"),
          ProtocolError);
}

TEST_CASE("what must be ignored is ignored") {
    Server server;
    server.hear(frame(static_cast<FrameType>(0x77), 0xff, 0x7fff'ffff, "unknown"));      // §4.1
    server.hear(settings(0x77, 1));                                                      // §6.5.2
    server.hear(frame(FrameType::Priority, 0, 9, u32(3) + "x"));                         // §5.1: idle streams too
    server.hear(frame(FrameType::GoAway, 0, 0, u32(0) + u32(0x77)));                     // §7: unknown codes
    server.hear(headers(1) + window(1, 5) + frame(FrameType::RstStream, 0, 1, u32(8)));  // §5.1: late for a finished stream
    server.hear(frame(FrameType::PriorityUpdate, 0, 0, u32(11) + "no dictionary, at all ="));
    server.hear(headers(3, kGet, flag::kEndHeaders | flag::kEndStream | 0x40));  // §4.1: unknown flags
    CHECK(server.answered(3));
    CHECK(server.alive(5));
}

TEST_CASE("late frames of a request that was answered before its end do no harm") {  // RFC 9113 §8.1
    Server server;
    server.hear(headers(1, kPost, flag::kEndHeaders));
    REQUIRE(server.answered(1));
    server.talk.session->tick(loop::Loop::precise() + std::chrono::seconds(2));
    server.talk.settle();
    REQUIRE(server.reset(1));
    CHECK(*server.reset(1) == ErrorCode::NoError);
    server.hear(data(1, "late"));
    server.hear(headers(1, std::string("\x00\x01x\x01y", 5)));
    CHECK(server.alive(3));
}

SCENARIO("a request that was answered before its end") {  // RFC 9113 §5.1, §8.1
    Server server;
    server.hear(headers(1, kPost, flag::kEndHeaders));
    REQUIRE(server.answered(1));
    REQUIRE(!server.reset(1));
    WHEN("it ends well") {
        server.hear(data(1, "content") + headers(1, std::string("\x00\x01x\x01y", 5)));
        THEN("nothing is said about it") { CHECK(!server.reset(1)); }
    }
    WHEN("more content comes than anybody waits for") {
        for (int i = 0; i < 3; ++i) server.hear(data(1, std::string(16'000, 'x')));
        THEN("it is told to stop, without blame") { CHECK(server.reset(1) == ErrorCode::NoError); }
    }
    WHEN("what follows is wrong") {
        const auto code_after = [&](const std::string& frames) {
            server.hear(frames);
            return server.reset(1);
        };
        THEN("it is told so") {
            SECTION("a window that does not open") { CHECK(code_after(window(1, 0)) == ErrorCode::ProtocolError); }
            SECTION("trailers that do not end it") {
                CHECK(code_after(headers(1, std::string("\x00\x01x\x01y", 5), flag::kEndHeaders)) == ErrorCode::ProtocolError);
            }
            SECTION("trailers with a pseudo-header field") { CHECK(code_after(headers(1, "\x88")) == ErrorCode::ProtocolError); }
            SECTION("trailers with a name in capitals") {
                CHECK(code_after(headers(1, std::string("\x00\x01X\x01y", 5))) == ErrorCode::ProtocolError);
            }
        }
    }
    CHECK(server.alive(3));
}

TEST_CASE("padding and CONTINUATION change nothing about a request") {
    Server server;
    server.hear(frame(FrameType::Headers, flag::kEndStream | flag::kPadded | flag::kPriority, 1,
                      "\x03" + u32(0) + "\x10" + kGet.substr(0, 2) + std::string(3, '\0')));
    server.hear(frame(FrameType::Continuation, 0, 1, kGet.substr(2, 2)));
    CHECK(server.talk.session->waiting() == http::Waiting::HeaderBlock);
    server.hear(frame(FrameType::Continuation, flag::kEndHeaders, 1, kGet.substr(4)));
    REQUIRE(server.talk.dispatcher.seen.size() == 1);
    CHECK(server.talk.dispatcher.seen[0].target == "/");
    CHECK(server.talk.dispatcher.seen[0].authority == "a");
}

SCENARIO("windows") {  // RFC 9113 §6.9
    GIVEN("a client that makes its windows smaller while answers are sent") {
        Server server;
        server.hear(settings(4, 3));
        server.talk.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(100)); };
        server.hear(headers(1));
        REQUIRE(server.body(1) == 3);
        server.hear(settings(4, 1));  // the window is -2 now: §6.9.2
        server.hear(window(1, 2));
        CHECK(server.body(1) == 3);
        server.hear(window(1, 1));
        CHECK(server.body(1) == 4);
        server.hear(settings(4, 1'000));
        CHECK(server.body(1) == 100);
    }
    GIVEN("a client whose new window makes an old one overflow") {
        Waiting server;
        server.hear(headers(1) + window(1, 0x7fff'ffff - 65'535) + settings(4, 65'536));
        CHECK(server.ended() == ErrorCode::FlowControlError);
    }
    GIVEN("a client that sends more than it may") {
        config::Config limits;
        limits.http2.connection_window = 65'535;
        const std::string chunk(16'384, 'x');
        Waiting server(limits);
        server.hear(headers(1, kPost, flag::kEndHeaders));
        for (int i = 0; i < 5; ++i) server.hear(data(1, chunk));
        THEN("its stream ends") { CHECK(server.reset(1) == ErrorCode::FlowControlError); }
    }
    GIVEN("a client that uploads for ever on streams that nobody reads") {
        Server server;
        for (std::uint32_t id = 1; id < 200; id += 2) {
            server.hear(headers(id, kPost, flag::kEndHeaders) + data(id, std::string(16'000, 'x')));
        }
        THEN("the connection's window is given back") { CHECK(server.alive(401)); }
    }
}

SCENARIO("limits of a connection") {  // protocol-and-limits §2
    GIVEN("more streams at once than were announced") {
        config::Config limits;
        limits.http2.streams = 2;
        Waiting server(limits);
        server.hear(headers(1) + headers(3) + headers(5));
        CHECK(server.reset(5) == ErrorCode::RefusedStream);
        CHECK(server.talk.observer.hits[http::LimitHit::Streams] == 1);
        server.desk.complete(0, answer_with(204));
        server.talk.settle();
        server.hear(headers(7));
        CHECK(server.talk.dispatcher.seen.size() == 3);
    }
    GIVEN("requests that are reset as fast as they are made") {
        Waiting server;
        for (std::uint32_t id = 1; id < 1'000 && !server.ended(); id += 2) {
            server.hear(headers(id) + frame(FrameType::RstStream, 0, id, u32(8)));
        }
        CHECK(server.ended() == ErrorCode::EnhanceYourCalm);
        CHECK(server.talk.observer.hits[http::LimitHit::Resets] == 1);
        CHECK(server.talk.dispatcher.seen.size() < 250);
    }
    GIVEN("a header block that never ends") {
        Server server;
        server.hear(headers(1, kGet, 0));
        for (int i = 0; i < 20 && !server.ended(); ++i) server.hear(frame(FrameType::Continuation, 0, 1, "\x90"));
        CHECK(server.ended() == ErrorCode::EnhanceYourCalm);
    }
    GIVEN("a small block that grows into megabytes") {
        Server server;
        std::string bomb = kGet + std::string("\x40\x01x\x7f\x81\x1e", 6) + std::string(3'968, 'v');  // an entry of 3,969 bytes …
        bomb += std::string(10'000, '\xbe');                                                          // … named 10,000 times
        server.hear(headers(1, bomb));
        CHECK(server.ended() == ErrorCode::EnhanceYourCalm);
    }
}

SCENARIO("priorities") {  // RFC 9218, static-delivery §7
    Server server;
    std::map<std::string, std::string> types = {{"/s", "text/css"}, {"/i", "image/webp"}, {"/h", "text/html; charset=utf-8"}};
    server.talk.dispatcher.reply = [&](const http::Request& request) {
        return answer_with(200, pattern(200'000), {{"content-type", types[std::string(request.target.substr(0, 2))]}});
    };
    const auto get = [](std::uint32_t id, const std::string& path, const std::string& priority = {}) {
        std::string block =
            "\x82\x87\x41\x01"
            "a";
        block += "\x04" + std::string(1, static_cast<char>(path.size())) + path;
        if (!priority.empty()) {
            block += std::string(
                         "\x00\x08"
                         "priority",
                         10) +
                     static_cast<char>(priority.size()) + priority;
        }
        return headers(id, block);
    };
    // The streams in the order in which their bodies ended.
    const auto order = [&] {
        std::vector<std::uint32_t> ids;
        for (const auto& one : server.said()) {
            if (one.header.is(FrameType::Data) && one.header.has(flag::kEndStream)) ids.push_back(one.header.stream);
        }
        return ids;
    };
    using Ids = std::vector<std::uint32_t>;
    const std::string much = window(0, 0x1000'0000) + settings(4, 0x0100'0000);

    GIVEN("a client that says nothing") {
        server.hear(get(1, "/i1") + get(3, "/i2") + get(5, "/s") + get(7, "/h") + much);
        THEN("the document overtakes the style, the style the images") { CHECK(order() == Ids{7, 5, 1, 3}); }
    }
    GIVEN("a client that says what it wants") {
        server.hear(get(1, "/s", "u=6") + get(3, "/i1", "u=1") + get(5, "/i2") + get(7, "/s") + much);
        THEN("its word counts, and its silence means the default") { CHECK(order() == Ids{3, 5, 7, 1}); }
    }
    GIVEN("one that changes its mind") {
        server.hear(get(1, "/i1", "u=3") + get(3, "/i2", "u=3") + frame(FrameType::PriorityUpdate, 0, 0, u32(3) + "u=0") + much);
        CHECK(order() == Ids{3, 1});
    }
    GIVEN("one that says it before it asks") {
        server.hear(frame(FrameType::PriorityUpdate, 0, 0, u32(3) + "u=0") + get(1, "/i1", "u=2") + get(3, "/i2", "u=5") + much);
        CHECK(order() == Ids{3, 1});
    }
    GIVEN("bodies that are useful in pieces") {
        server.hear(get(1, "/i1", "u=3, i") + get(3, "/i2", "u=3, i") + much);
        std::vector<std::uint32_t> turns;
        for (const auto& one : server.said()) {
            if (one.header.is(FrameType::Data) && one.header.length > 10'000) turns.push_back(one.header.stream);
        }
        // What the first window let through was the first's alone: it was there alone.
        THEN("they take turns of a frame each") {
            const auto at = std::adjacent_find(turns.begin() + 6, turns.end());
            CHECK(at - turns.begin() > 20);
        }
    }
    GIVEN("an answer without content behind large ones") {
        server.hear(get(1, "/s", "u=0") + get(3, "/s", "u=0"));  // the windows are full now
        server.talk.dispatcher.reply = [](const http::Request&) { return answer_with(304); };
        server.hear(get(5, "/i", "u=7"));
        CHECK(server.answered(5));
    }
}
