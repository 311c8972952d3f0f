// Bodies that are sent while they are still being made.

#include "server/http/growing_body.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/http/body_reader.h"
#include "tests/server/http_sessions/conversation.h"
#include "tests/server/http_sessions/http2_peer.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::testing;
using http::GrowingBody;
using http::GrowingBodyPtr;
using http::Waiting;

namespace {

http::Body body_of(const GrowingBodyPtr& growing) { return http::Body(GrowingBody::reader_of(growing)); }

// Reads on a loop of its own thread, all that comes.
struct Reader {
    Reader(loop::Loop& on, loop::WorkPool& with, const GrowingBodyPtr& growing)
        : loop(on), pool(with), reader(body_of(growing)) {}

    void read() {
        for (;;) {
            const http::BodyReader::Peek next = reader.peek(10'000);
            switch (next.state) {
                case http::BodyReader::State::Ready:
                    got += next.run;
                    reader.advance(next.run.size());
                    break;
                case http::BodyReader::State::Waiting:
                    reader.fill_later(loop, pool, [this] { read(); });
                    return;
                case http::BodyReader::State::End:
                case http::BodyReader::State::Failed:
                    ended = next.state;
                    return;
            }
        }
    }

    loop::Loop& loop;
    loop::WorkPool& pool;
    http::BodyReader reader;
    std::string got;
    std::optional<http::BodyReader::State> ended;
};

// An HTTP/1 session whose answers grow.
struct Http1 {
    Http1() {
        talk.dispatcher.reply = [this](const http::Request&) { return answer_with(200, body_of(growing)); };
    }
    // What it says after the loop has told it that there is more.
    std::string more() {
        run_until(loop, [this] { return std::exchange(talk.woken, false); });
        return talk.settle();
    }

    loop::Loop loop;
    loop::WorkPool pool{1};
    GrowingBodyPtr growing = std::make_shared<GrowingBody>();
    Conversation talk{Conversation::Version::Http1, loop, pool};
};

const std::string kGet1 = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

std::string head_of(const std::string& said) { return said.substr(0, said.find("\r\n\r\n") + 4); }
std::string body_in(const std::string& said) { return said.substr(head_of(said).size()); }

struct Http2 {
    Http2() {
        ours.dispatcher.reply = [this](const http::Request&) { return answer_with(200, body_of(growing)); };
    }
    void settle() {
        for (;;) {
            const std::string asked = peer.say();
            const std::string said = ours.receive(asked);
            REQUIRE(peer.hear(said));
            if (asked.empty() && said.empty()) return;
        }
    }
    void more() {
        run_until(loop, [this] { return std::exchange(ours.woken, false); });
        settle();
    }

    loop::Loop loop;
    loop::WorkPool pool{1};
    GrowingBodyPtr growing = std::make_shared<GrowingBody>();
    Conversation ours{Conversation::Version::Http2, loop, pool};
    Http2Peer peer;
};

}  // namespace

TEST_CASE("every reader of a growing body gets all of it, whenever it came and however slowly it reads") {
    constexpr int kPieces = 200, kReaders = 8;
    const auto growing = std::make_shared<GrowingBody>();
    loop::WorkPool pool(1);
    std::string whole;
    for (int i = 0; i < kPieces; ++i)
        whole += std::string(1 + static_cast<std::size_t>(i) * 37 % 5'000, static_cast<char>('a' + i % 26));
    LoopThread first, second;
    std::vector<std::unique_ptr<Reader>> readers;
    for (int i = 0; i < kReaders; ++i) {
        LoopThread& on = i % 2 == 0 ? first : second;
        on.call([&] { readers.push_back(std::make_unique<Reader>(on.loop, pool, growing)); });
        if (i < kReaders / 2) on.call([&] { readers.back()->read(); });  // the others begin when it has grown
    }
    std::thread producer([&] {
        std::size_t at = 0;
        for (int i = 0; i < kPieces; ++i) {
            const std::size_t size = 1 + static_cast<std::size_t>(i) * 37 % 5'000;
            growing->append(make_blob(whole.substr(at, size)));
            at += size;
        }
        growing->complete();
    });
    producer.join();
    for (int i = 0; i < kReaders; ++i) {
        LoopThread& on = i % 2 == 0 ? first : second;
        if (i >= kReaders / 2) on.call([&] { readers[static_cast<std::size_t>(i)]->read(); });
    }
    for (int i = 0; i < kReaders; ++i) {
        LoopThread& on = i % 2 == 0 ? first : second;
        Reader& reader = *readers[static_cast<std::size_t>(i)];
        for (bool over = false; !over;) on.call([&] { over = reader.ended.has_value(); });
        CHECK(reader.ended == http::BodyReader::State::End);
        CHECK(reader.got == whole);
        on.call([&] { readers[static_cast<std::size_t>(i)].reset(); });
    }
}

SCENARIO("a growing body is wanted while somebody reads it") {
    const auto growing = std::make_shared<GrowingBody>();
    THEN("before anybody has come it is") {
        CHECK(growing->wanted());
        CHECK_FALSE(growing->give_up_unless_wanted());
    }
    WHEN("two have come") {
        auto first = GrowingBody::reader_of(growing), second = GrowingBody::reader_of(growing);
        THEN("it is until the last one goes") {
            first.reset();
            CHECK(growing->wanted());
            CHECK_FALSE(growing->give_up_unless_wanted());
            second.reset();
            CHECK_FALSE(growing->wanted());
        }
        THEN("somebody who comes after them makes it wanted again") {
            first.reset();
            second.reset();
            const auto third = GrowingBody::reader_of(growing);
            CHECK_FALSE(growing->give_up_unless_wanted());
            CHECK(third->look(0).state == GrowingBody::State::Growing);
        }
        THEN("given up, it can be read no more") {
            first.reset();
            second.reset();
            CHECK(growing->give_up_unless_wanted());
            CHECK_FALSE(GrowingBody::reader_of(growing));
        }
        THEN("one that is whole is not given up") {
            growing->complete();
            first.reset();
            second.reset();
            CHECK_FALSE(growing->give_up_unless_wanted());
            CHECK(GrowingBody::reader_of(growing));
        }
    }
}

TEST_CASE("a reader who goes while it waits is not woken") {
    loop::Loop loop;
    loop::WorkPool pool(1);
    const auto growing = std::make_shared<GrowingBody>();
    bool woken = false;
    {
        http::BodyReader reader(body_of(growing));
        CHECK(reader.peek(10).state == http::BodyReader::State::Waiting);
        reader.fill_later(loop, pool, [&] { woken = true; });
    }
    growing->append(make_blob("x"));
    bool turned = false;
    loop.post([&] { turned = true; });
    run_until(loop, [&] { return turned; });
    CHECK_FALSE(woken);
}

TEST_CASE("over HTTP/1.1 what grows comes in chunks, each when it is there, and the connection stays") {  // RFC 9112 §7.1
    Http1 server;
    const std::string first = server.talk.receive(kGet1);
    CHECK(first.ends_with("transfer-encoding: chunked\r\n\r\n"));
    CHECK(first.find("content-length") == std::string::npos);
    CHECK_FALSE(server.talk.session->wants_output());
    server.growing->append(make_blob("hello"));
    CHECK(server.more() == "5\r\nhello\r\n");
    server.growing->append(make_blob(std::string(26, 'z')));
    CHECK(server.more() == "1a\r\n" + std::string(26, 'z') + "\r\n");
    server.growing->complete();
    CHECK(server.more() == "0\r\n\r\n");
    CHECK(server.talk.dispatcher.outcomes.at(0).complete);
    CHECK(server.talk.dispatcher.outcomes.at(0).body_bytes == 31);
    CHECK_FALSE(server.talk.session->finished());
    THEN("the next answer has its length again") {
        server.talk.dispatcher.reply = [](const http::Request&) { return answer_with(200, "known"); };
        const std::string next = server.talk.receive(kGet1);
        CHECK(next.ends_with("content-length: 5\r\n\r\nknown"));
        CHECK(next.find("chunked") == std::string::npos);
    }
}

TEST_CASE("chunks fit what the connection takes in one go") {
    Http1 server;
    server.talk.room = 1'000;
    const std::string bytes = pattern(70'000);
    server.growing->append(make_blob(bytes));
    server.growing->complete();
    std::string rest = body_in(server.talk.receive(kGet1)), got;
    CHECK(server.talk.largest_flush < 1'300);
    for (;;) {
        const std::size_t size = std::stoul(rest, nullptr, 16);
        const std::size_t begin = rest.find("\r\n") + 2;
        REQUIRE(rest.substr(begin + size, 2) == "\r\n");
        if (size == 0) break;
        got += rest.substr(begin, size);
        rest.erase(0, begin + size + 2);
    }
    CHECK(rest == "0\r\n\r\n");
    CHECK(got == bytes);
}

TEST_CASE("an HTTP/1.0 client reads what grows until the connection closes") {  // RFC 9112 §6.3
    Http1 server;
    const std::string first = server.talk.receive("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    CHECK(first.find("transfer-encoding") == std::string::npos);
    CHECK(first.find("content-length") == std::string::npos);
    CHECK(first.find("connection: close\r\n") != std::string::npos);
    server.growing->append(make_blob("hello"));
    CHECK(server.more() == "hello");
    server.growing->complete();
    CHECK(server.more().empty());
    CHECK(server.talk.session->finished());
}

TEST_CASE("HEAD of what grows has no length, no content, and keeps nobody at work") {  // RFC 9110 §9.3.2
    Http1 server;
    const std::string said = server.talk.receive("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK(said.find("content-length") == std::string::npos);
    CHECK(body_in(said).empty());
    CHECK_FALSE(server.growing->wanted());
    CHECK_FALSE(server.talk.session->finished());
    CHECK_FALSE(server.talk.session->wants_output());

    Http2 second;
    const auto id = second.peer.request("HEAD", "/");
    second.settle();
    CHECK(second.peer.streams[id].closed);
    CHECK(second.peer.streams[id].field("content-length").empty());
    CHECK_FALSE(second.growing->wanted());
}

TEST_CASE("over HTTP/1 a client can tell that what grew was not finished") {
    Http1 server;
    server.talk.receive(kGet1);
    server.growing->append(make_blob("half"));
    server.growing->fail();
    CHECK(server.more() == "4\r\nhalf\r\n");
    CHECK(server.talk.session->finished());
    CHECK_FALSE(server.talk.dispatcher.outcomes.at(0).complete);
}

TEST_CASE("over HTTP/2 what grows comes without a length, each piece when it is there") {  // RFC 9113 §8.1.1
    Http2 server;
    const auto id = server.peer.get("/");
    server.settle();
    const Received& answer = server.peer.streams[id];
    CHECK(answer.status() == "200");
    CHECK(answer.field("content-length").empty());
    CHECK_FALSE(server.ours.session->wants_output());
    server.growing->append(make_blob(pattern(50'000)));
    server.more();
    CHECK(answer.body == pattern(50'000));
    CHECK_FALSE(answer.ended);
    WHEN("its end comes with its last piece") {
        server.growing->append(make_blob("end"));
        server.growing->complete();
        server.more();
    }
    WHEN("its end comes alone") {
        server.growing->append(make_blob("end"));
        server.more();
        server.growing->complete();
        server.more();
    }
    CHECK(answer.body == pattern(50'000) + "end");
    CHECK(answer.ended);
    CHECK(answer.code == 0);
}

TEST_CASE("over HTTP/2 what grew and failed is reset, and other streams go on") {
    Http2 server;
    const auto id = server.peer.get("/");
    server.settle();
    server.growing->append(make_blob("half"));
    server.growing->fail();
    server.more();
    CHECK(server.peer.streams[id].closed);
    CHECK(server.peer.streams[id].code == NGHTTP2_INTERNAL_ERROR);
    server.ours.dispatcher.reply = [](const http::Request&) { return answer_with(200, "known"); };
    const auto next = server.peer.get("/");
    server.settle();
    CHECK(server.peer.streams[next].body == "known");
}

TEST_CASE("a stream that its client has left is told of no more pieces, and is free when one comes") {
    config::Config limits;
    Http2 server;
    const auto id = server.peer.get("/");
    server.settle();
    server.peer.reset(id);
    server.settle();
    CHECK(server.growing->wanted());  // until whoever makes it can be told
    server.growing->append(make_blob("more"));
    run_until(server.loop, [&] { return !server.growing->wanted(); });
    CHECK(server.peer.streams[id].body.empty());
    CHECK(server.growing->give_up_unless_wanted());
}

TEST_CASE("who waits for a producer is not slow himself") {
    Http1 first;
    first.talk.receive(kGet1);
    CHECK(first.talk.session->waiting() == Waiting::Handler);
    first.growing->append(make_blob("x"));
    run_until(first.loop, [&] { return first.talk.woken; });
    CHECK(first.talk.session->waiting() == Waiting::Peer);

    Http2 second;
    const auto id = second.peer.get("/");
    const auto other = second.peer.get("/other");
    second.settle();
    CHECK(second.ours.session->waiting() == Waiting::Handler);
    second.growing->append(make_blob("x"));
    run_until(second.loop, [&] { return second.ours.woken; });
    CHECK(second.ours.session->waiting() == Waiting::Peer);
    second.settle();
    CHECK(second.ours.session->waiting() == Waiting::Handler);
    second.peer.reset(id);
    second.peer.reset(other);
    second.settle();
    CHECK(second.ours.session->waiting() == Waiting::Nothing);
}

TEST_CASE("a session that ends amid what grows lets go of it") {
    const auto growing = std::make_shared<GrowingBody>();
    for (const auto version : {Conversation::Version::Http1, Conversation::Version::Http2}) {
        loop::Loop loop;
        loop::WorkPool pool(1);
        auto talk = std::make_unique<Conversation>(version, loop, pool);
        talk->dispatcher.reply = [&](const http::Request&) { return answer_with(200, body_of(growing)); };
        if (version == Conversation::Version::Http1) {
            talk->receive(kGet1);
        } else {
            Http2Peer peer;
            peer.get("/");
            talk->receive(peer.say());
        }
        CHECK(growing->wanted());
        talk->session.reset();
        talk.reset();
        CHECK_FALSE(growing->wanted());
    }
}
