#include <catch2/catch.hpp>

#include <string>
#include <utility>

#include "tests/server/http_sessions/conversation.h"
#include "tests/server/http_sessions/http2_peer.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::testing;
using http::Waiting;

namespace {

// A session of ours and a peer, talking until both are silent.
struct Talk {
    explicit Talk(config::Config limits = {}, std::vector<nghttp2_settings_entry> settings = {})
        : ours(Conversation::Version::Http2, loop, pool, std::move(limits)), peer(std::move(settings)) {}

    void settle() {
        for (;;) {
            const std::string asked = peer.say();
            const std::string said = ours.receive(asked);
            REQUIRE(peer.hear(said));
            if (asked.empty() && said.empty()) return;
        }
    }
    // Through the loop too, until the stream is over.
    void settle_until_closed(std::int32_t stream) {
        settle();
        run_until(loop, [&] {
            if (ours.woken) {
                ours.woken = false;
                settle();
            }
            return peer.streams[stream].closed;
        });
    }
    int hits(http::LimitHit limit) const {
        const auto place = ours.observer.hits.find(limit);
        return place == ours.observer.hits.end() ? 0 : place->second;
    }

    loop::Loop loop;
    loop::WorkPool pool{1};
    Conversation ours;
    Http2Peer peer;
};

// A GOAWAY for this last stream, NO_ERROR. RFC 9113 §6.8.
std::string goaway(char last_stream) {
    std::string frame(17, '\0');
    frame[2] = 8;
    frame[3] = 7;
    frame[12] = last_stream;
    return frame;
}

}  // namespace

TEST_CASE("an HTTP/2 request is understood and answered") {  // RFC 9113 §8
    Talk talk;
    const auto id = talk.peer.get("/a?b=1", {{"accept", "x"}, {"cookie", "a=1"}, {"cookie", "b=2"}, {"accept", "y"}});
    talk.settle();
    REQUIRE(talk.ours.dispatcher.seen.size() == 1);
    const Seen& seen = talk.ours.dispatcher.seen[0];
    CHECK(seen.method == "GET");
    CHECK(seen.authority == "example.org");
    CHECK(seen.target == "/a?b=1");
    CHECK(seen.peer == "192.0.2.1");
    CHECK(seen.protocol == http::Protocol::Http2);
    CHECK(seen.secure);
    CHECK(seen.fields == std::map<std::string, std::string>{{"accept", "x, y"}, {"cookie", "a=1; b=2"}});  // §8.2.3

    const Received& answer = talk.peer.streams[id];
    CHECK(answer.fields == Http2Peer::Fields{{":status", "200"},
                                             {"date", "Fri, 20 Nov 2026 10:00:00 GMT"},
                                             {"content-type", "text/plain"},
                                             {"cache-status", "selvage; hit"},
                                             {"content-length", "20"}});
    CHECK(answer.body == "you asked for /a?b=1");
    CHECK(answer.closed);
    REQUIRE(talk.ours.dispatcher.outcomes.size() == 1);
    CHECK(talk.ours.dispatcher.outcomes[0].complete);
    CHECK(talk.ours.dispatcher.outcomes[0].body_bytes == 20);
    CHECK(talk.ours.session->waiting() == Waiting::Nothing);
    CHECK(!talk.ours.session->finished());
}

TEST_CASE("the limits are announced") {  // RFC 9113 §6.5.2
    config::Config limits;
    Talk talk(limits);
    talk.settle();
    CHECK(talk.peer.settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS] == limits.http2.streams);
    CHECK(talk.peer.settings[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE] == limits.http2.stream_window);
    CHECK(talk.peer.settings[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE] == limits.http2.header_bytes);
}

TEST_CASE("how the bytes of HTTP/2 are split makes no difference") {
    std::string input, expected;
    {
        Talk whole;
        whole.peer.get("/1", {{"x-long", std::string(300, 'x')}});
        whole.peer.request("HEAD", "/2");
        input = whole.peer.say();
        expected = whole.ours.receive(input);
        REQUIRE(whole.ours.dispatcher.seen.size() == 2);
    }
    loop::Loop loop;
    loop::WorkPool pool(1);
    for (std::size_t split = 0; split <= input.size(); ++split) {
        Conversation parts(Conversation::Version::Http2, loop, pool);
        parts.receive(input.substr(0, split));
        parts.receive(input.substr(split));
        INFO(split);
        // Settings may be acknowledged earlier or later; the requests and their answers are the same.
        CHECK(parts.dispatcher.seen.size() == 2);
        CHECK(parts.dispatcher.outcomes.size() == 2);
        CHECK(parts.all.size() == expected.size());
    }
}

TEST_CASE("many streams at once are all answered, each with its own bytes") {
    Talk talk;
    talk.ours.dispatcher.reply = [](const http::Request& request) {
        return answer_with(200, std::string(request.target) + pattern(5'000));
    };
    std::vector<std::int32_t> ids;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 100; ++i) ids.push_back(talk.peer.get("/" + std::to_string(ids.size())));
        talk.settle();
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const Received& answer = talk.peer.streams[ids[i]];
        REQUIRE(answer.closed);
        CHECK(answer.body == "/" + std::to_string(i) + pattern(5'000));
    }
    CHECK(talk.ours.dispatcher.outcomes.size() == 500);
}

SCENARIO("flow control") {  // RFC 9113 §5.2
    GIVEN("a peer that takes one byte at a time") {
        Talk talk({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}});
        talk.ours.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(300)); };
        const auto id = talk.peer.get("/");
        talk.settle();
        THEN("the body arrives whole") { CHECK(talk.peer.streams[id].body == pattern(300)); }
    }
    GIVEN("large windows and a large body") {
        Talk talk({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}});
        talk.peer.open_connection_window(1 << 30);
        talk.ours.room = 64 * 1024;
        talk.ours.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(3'000'000)); };
        const auto one = talk.peer.get("/1"), two = talk.peer.get("/2");
        talk.settle();
        THEN("no flush is larger than its room and a little") { CHECK(talk.ours.largest_flush <= 64 * 1024 + 1'024); }
        THEN("both arrive whole") {
            CHECK(talk.peer.streams[one].body == pattern(3'000'000));
            CHECK(talk.peer.streams[two].body == pattern(3'000'000));
        }
    }
    GIVEN("a window that is closed") {
        Talk talk({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
        const auto id = talk.peer.get("/");
        talk.settle();
        THEN("the head arrives, the body waits, and the session does not turn in vain") {
            CHECK(talk.peer.streams[id].headed);
            CHECK(talk.peer.streams[id].body.empty());
            CHECK(!talk.ours.session->wants_output());
            CHECK(talk.ours.session->waiting() == Waiting::Peer);
        }
    }
}

TEST_CASE("HEAD, 204 and 304 have no content") {
    Talk talk;
    const auto head = talk.peer.request("HEAD", "/");
    talk.settle();
    CHECK(talk.peer.streams[head].field("content-length") == "15");
    CHECK(talk.peer.streams[head].body.empty());
    CHECK(talk.peer.streams[head].closed);
    for (const std::uint16_t status : {std::uint16_t{204}, std::uint16_t{304}}) {
        talk.ours.dispatcher.reply = [status](const http::Request&) { return answer_with(status); };
        const auto id = talk.peer.get("/");
        talk.settle();
        CHECK(talk.peer.streams[id].status() == std::to_string(status));
        CHECK(talk.peer.streams[id].field("content-length").empty());
        CHECK(talk.peer.streams[id].closed);
    }
}

SCENARIO("an HTTP/2 reply that comes later") {
    Talk talk;
    Desk desk;
    talk.ours.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    const auto first = talk.peer.get("/1"), second = talk.peer.get("/2");
    talk.settle();
    REQUIRE(desk.handed_out() == 2);
    CHECK(talk.ours.session->waiting() == Waiting::Handler);

    WHEN("the later one is ready first") {
        desk.complete(1, answer_with(200, "two"));
        CHECK(talk.ours.woken);
        talk.settle();
        THEN("it does not wait for the other") {
            CHECK(talk.peer.streams[second].body == "two");
            CHECK(!talk.peer.streams[first].headed);
            desk.complete(0, answer_with(200, "one"));
            talk.settle();
            CHECK(talk.peer.streams[first].body == "one");
        }
    }
    WHEN("the client resets one of them") {
        talk.peer.reset(first);
        talk.settle();
        THEN("its work is withdrawn, the other goes on") {
            CHECK(desk.withdrawn(0));
            CHECK(!desk.withdrawn(1));
            desk.complete(1, answer_with(200, "two"));
            talk.settle();
            CHECK(talk.peer.streams[second].body == "two");
            REQUIRE(talk.ours.dispatcher.outcomes.size() == 2);
            CHECK(!talk.ours.dispatcher.outcomes[0].complete);
            CHECK(talk.ours.dispatcher.outcomes[1].complete);
        }
    }
    WHEN("one is reset after its answer, but before that was sent") {
        desk.complete(0, answer_with(200, pattern(100'000)));
        talk.peer.reset(first);
        talk.settle();
        THEN("it is incomplete and the session goes on") {
            CHECK(talk.peer.streams[first].body.size() < 100'000);
            desk.complete(1, answer_with(200, "two"));
            talk.settle();
            CHECK(talk.peer.streams[second].body == "two");
        }
    }
    WHEN("the connection goes") {
        talk.ours.session.reset();
        THEN("all work is withdrawn and both are reported once") {
            CHECK(desk.dropped(0));
            CHECK(desk.dropped(1));
            CHECK(talk.ours.dispatcher.outcomes.size() == 2);
        }
    }
}

TEST_CASE("a request and its reset in one read never reach a handler twice or half") {
    Talk talk;
    talk.settle();
    for (int i = 0; i < 50; ++i) {
        const auto id = talk.peer.get("/");
        const std::string request = talk.peer.say();
        talk.peer.reset(id);
        const std::string reset = talk.peer.say();
        talk.ours.receive(request + reset);
    }
    CHECK(talk.ours.dispatcher.seen.size() == talk.ours.dispatcher.outcomes.size());
    CHECK(talk.ours.session->waiting() == Waiting::Nothing);
}

SCENARIO("requests of HTTP/2 have limits") {  // protocol-and-limits §2
    config::Config limits;
    THEN("too many bytes of fields: 431, the connection lives") {
        Talk talk(limits);
        Http2Peer::Fields fields;
        for (int i = 0; i < 20; ++i) fields.emplace_back("x-" + std::to_string(i), std::string(2'000, 'x'));
        const auto id = talk.peer.get("/", fields);
        talk.settle();
        CHECK(talk.peer.streams[id].status() == "431");
        CHECK(talk.ours.dispatcher.seen.empty());
        CHECK(talk.hits(http::LimitHit::HeaderBytes) == 1);
        const auto next = talk.peer.get("/");
        talk.settle();
        CHECK(talk.peer.streams[next].status() == "200");
    }
    THEN("too many fields: 431") {
        Talk talk(limits);
        const auto id = talk.peer.get("/", Http2Peer::Fields(limits.http2.fields, {"x", "y"}));
        talk.settle();
        CHECK(talk.peer.streams[id].status() == "431");
        CHECK(talk.hits(http::LimitHit::HeaderFields) == 1);
    }
    THEN("too many requests on one connection: a graceful end, and all of them are answered") {
        limits.http2.requests = 3;
        Talk talk(limits);
        std::vector<std::int32_t> ids;
        for (int i = 0; i < 5; ++i) ids.push_back(talk.peer.get("/"));
        talk.settle();
        for (const auto id : ids) CHECK(talk.peer.streams[id].status() == "200");
        CHECK(talk.hits(http::LimitHit::RequestsPerConnection) == 1);
        // An idle nghttp2 client reads nothing after the first GOAWAY: the second shows in the bytes.
        CHECK(talk.peer.goaways.size() == 1);
        CHECK(talk.ours.all.ends_with(goaway(9)));
        CHECK(talk.ours.session->finished());
    }
    THEN("a Host field that contradicts itself: 400") {
        Talk talk(limits);
        const auto id = talk.peer.get("/", {{"content-length", "0"}, {"host", "a"}, {"host", "b"}});
        talk.settle();
        CHECK(talk.ours.dispatcher.seen.empty());
        CHECK((talk.peer.streams[id].status() == "400" || talk.peer.streams[id].code == NGHTTP2_PROTOCOL_ERROR));
    }
}

SCENARIO("draining HTTP/2") {  // RFC 9113 §6.8
    Talk talk;
    Desk desk;
    talk.ours.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    const auto under_way = talk.peer.get("/1");
    talk.settle();
    talk.ours.session->drain();
    REQUIRE(talk.ours.session->wants_output());
    const std::string notice = talk.ours.settle();
    const auto crossing = talk.peer.get("/2");  // sent before the notice arrives
    const std::string crossed = talk.peer.say();
    REQUIRE(talk.peer.hear(notice));

    THEN("first comes a notice that refuses nothing yet") {
        REQUIRE(talk.peer.goaways.size() == 1);
        CHECK(talk.peer.goaways[0].last_stream == 0x7fffffff);
        CHECK(talk.peer.goaways[0].code == NGHTTP2_NO_ERROR);
        CHECK(talk.peer.pings == 1);
    }
    WHEN("a round trip has passed") {
        REQUIRE(talk.peer.hear(talk.ours.receive(crossed)));
        talk.settle();
        THEN("the second names the last stream, with the request that crossed it") {
            REQUIRE(talk.peer.goaways.size() == 2);
            CHECK(talk.peer.goaways[1].last_stream == crossing);
            CHECK(!talk.ours.session->finished());
        }
        THEN("what is under way ends, then the connection") {
            desk.complete(0, answer_with(200, "one"));
            talk.settle();
            CHECK(!talk.ours.session->finished());
            desk.complete(1, answer_with(200, "two"));
            talk.settle();
            CHECK(talk.peer.streams[under_way].body == "one");
            CHECK(talk.peer.streams[crossing].body == "two");
            CHECK(talk.ours.session->finished());
        }
    }
}

TEST_CASE("draining an idle connection ends it after the two steps") {
    Talk talk;
    talk.peer.get("/");
    talk.settle();
    talk.ours.session->drain();
    talk.settle();
    CHECK(talk.peer.goaways.size() == 1);
    // A client that has nothing left may go without a word: asked again, a second later, the session no longer waits for it.
    talk.ours.session->drain();
    talk.settle();
    CHECK(talk.ours.all.ends_with(goaway(1)));
    CHECK(talk.ours.session->finished());
}

TEST_CASE(
    "a request whose content nobody wants is answered at once, then its sender is stopped without blame") {  // RFC 9113 §8.1
    Talk talk;
    const auto id = talk.peer.request("POST", "/upload", {}, pattern(10'000'000));
    talk.settle();
    const Received& answer = talk.peer.streams[id];
    CHECK(answer.status() == "200");
    CHECK(answer.ended);
    CHECK(answer.closed);
    CHECK(answer.code == NGHTTP2_NO_ERROR);
    CHECK(talk.ours.session->waiting() == Waiting::Nothing);
    const auto next = talk.peer.get("/");
    talk.settle();
    CHECK(talk.peer.streams[next].status() == "200");
}

SCENARIO("bodies from files") {
    Talk talk({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}});
    talk.peer.open_connection_window(1 << 20);
    const auto file = std::make_shared<FakeFile>(pattern(500'000));
    talk.ours.dispatcher.reply = [&](const http::Request& request) {
        return request.target == "/file" ? answer_with(200, file_body(file)) : answer_with(200, "memory");
    };
    WHEN("it is in the page cache") {
        const auto id = talk.peer.get("/file");
        talk.settle();
        CHECK(talk.peer.streams[id].body == file->content);
    }
    WHEN("it must be read from the disk") {
        file->cached = 100'000;
        const auto id = talk.peer.get("/file");
        talk.settle();
        const auto other = talk.peer.get("/memory");
        talk.settle();
        THEN("other streams do not wait for it, and it arrives whole") {
            CHECK(talk.peer.streams[other].body == "memory");
            CHECK(!talk.ours.session->wants_output());
            talk.settle_until_closed(id);
            CHECK(talk.peer.streams[id].body == file->content);
        }
        THEN("a reset while it is read ends it there") {
            talk.peer.reset(id);
            talk.settle();
            bool passed = false;
            const auto barrier =
                talk.pool.submit(talk.loop, loop::WorkPool::Lane::Now, [] { return 0; }, [&](int) { passed = true; });
            run_until(talk.loop, [&] { return passed; });
            CHECK(talk.ours.session->waiting() == Waiting::Nothing);
            CHECK(talk.peer.streams[id].closed);
        }
    }
    WHEN("it changes under way") {
        file->changed_from = 200'000;
        const auto id = talk.peer.get("/file");
        talk.settle();
        THEN("the stream is reset and never looks complete; the connection lives") {
            CHECK(talk.peer.streams[id].closed);
            CHECK(!talk.peer.streams[id].ended);
            CHECK(talk.peer.streams[id].code == NGHTTP2_INTERNAL_ERROR);
            CHECK(!talk.ours.dispatcher.outcomes[0].complete);
            const auto other = talk.peer.get("/memory");
            talk.settle();
            CHECK(talk.peer.streams[other].body == "memory");
        }
    }
}

TEST_CASE("time that runs out ends the connection with a word") {
    Talk talk;
    talk.settle();
    talk.ours.session->time_out();
    talk.settle();
    REQUIRE(talk.peer.goaways.size() == 1);
    CHECK(talk.peer.goaways[0].code == NGHTTP2_NO_ERROR);
    CHECK(talk.ours.session->finished());
}

TEST_CASE("what is not HTTP/2 ends the connection and nothing else") {
    loop::Loop loop;
    loop::WorkPool pool(1);
    for (const std::string& input :
         {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::string(http::kHttp2Preface) + std::string(200, '\xff'),
          std::string(http::kHttp2Preface) + std::string(200, '\0')}) {
        Conversation talk(Conversation::Version::Http2, loop, pool);
        talk.receive(input);
        CHECK(talk.session->finished());
        CHECK(talk.dispatcher.seen.empty());
    }
}
