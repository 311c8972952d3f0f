#include "server/net/shedding.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include <array>
#include <string>

#include "tests/server/http_sessions/conversation.h"
#include "tests/server/http_sessions/http2_peer.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::testing;
using net::Connection;
using net::Shedding;

namespace {

const std::string kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

// The connections of a loop, as a Shard has them, and their clients.
struct Crowd {
    Crowd() {
        host.ended = [this](Connection* connection) {
            shedding.forget(*connection);
            const std::size_t index = connection->index;
            const std::unique_ptr<Connection> ended = std::move(all[index]);
            if (index + 1 != all.size()) {
                all[index] = std::move(all.back());
                all[index]->index = index;
            }
            all.pop_back();
        };
        dispatcher.reply = [](const http::Request&) { return answer_with(200, "answer"); };
    }

    std::size_t come() {
        std::array<int, 2> pair{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) == 0);
        clients.emplace_back(pair[0]);
        all.push_back(std::make_unique<Connection>(host, loop::Accepted{FileDescriptor(pair[1]), {}}, nullptr, config));
        all.back()->index = all.size() - 1;
        all.back()->start();
        return clients.size() - 1;
    }
    void say(std::size_t client, std::string_view bytes) {
        REQUIRE(::send(clients[client].number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0);
    }
    // What the server has said by now; nothing when it has closed.
    std::optional<std::string> hear(std::size_t client) {
        std::string block(65'536, '\0');
        const ssize_t size = ::recv(clients[client].number(), block.data(), block.size(), 0);
        if (size == 0) return std::nullopt;
        block.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return block;
    }
    void ask(std::size_t client) {
        const std::size_t before = dispatcher.seen.size();
        say(client, kGet);
        run_until(loop, [&] { return dispatcher.seen.size() > before; });
        pass_time();
    }
    // The loop's clock counts milliseconds: what follows is later.
    void pass_time() {
        const SteadyTime before = loop.now();
        run_until(loop, [&] { return loop.now() > before; });
    }
    bool is_told(std::size_t client) {
        for (int turns = 0; turns < 3; ++turns) pass_time();
        const auto said = hear(client);
        return !said || !hear(client);
    }

    Log log{2, LogLevel::Off};
    loop::Loop loop;
    loop::WorkPool pool{1};
    FakeDispatcher dispatcher;
    CountingObserver observer;
    config::ConfigPtr config = std::make_shared<const config::Config>();
    net::ConnectionHost host{.loop = loop, .pool = pool, .dispatcher = dispatcher, .observer = observer, .log = log};
    Shedding::Connections all;
    Shedding shedding{all};
    std::vector<FileDescriptor> clients;
};

}  // namespace

SCENARIO("who makes room") {  // protocol-and-limits §3
    Crowd crowd;
    for (int i = 0; i < 4; ++i) crowd.come();
    for (const std::size_t client : {2U, 0U, 3U, 1U}) crowd.ask(client);
    THEN("the one that has been idle longest is told first") {
        REQUIRE(crowd.shedding.tell_oldest());
        CHECK(crowd.is_told(2));
        REQUIRE(crowd.shedding.tell_oldest());
        CHECK(crowd.is_told(0));
        CHECK(!crowd.is_told(3));
        CHECK(!crowd.is_told(1));
    }
    THEN("who is used after the others were looked at is not the oldest any more") {
        REQUIRE(crowd.shedding.tell_oldest());
        crowd.ask(0);
        REQUIRE(crowd.shedding.tell_oldest());
        CHECK(crowd.is_told(3));
        CHECK(!crowd.is_told(0));
    }
    THEN("who has said nothing yet is idle too") {
        const std::size_t silent = crowd.come();
        for (int i = 0; i < 4; ++i) REQUIRE(crowd.shedding.tell_oldest());
        CHECK(!crowd.is_told(silent));
        REQUIRE(crowd.shedding.tell_oldest());
        CHECK(crowd.is_told(silent));
        CHECK(!crowd.shedding.tell_oldest());
    }
    THEN("who waits for an answer is not idle") {
        Desk desk;
        crowd.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
        for (const std::size_t client : {0U, 1U, 2U, 3U}) crowd.ask(client);
        CHECK(!crowd.shedding.tell_oldest());
        desk.complete(1, answer_with(200, "answer"));
        crowd.pass_time();
        CHECK(crowd.shedding.tell_oldest());
        CHECK(crowd.is_told(1));
    }
    THEN("nor is who has not taken all of its answer") {
        crowd.dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(20'000'000)); };
        for (const std::size_t client : {0U, 1U, 2U, 3U}) crowd.ask(client);
        CHECK(!crowd.shedding.tell_oldest());
    }
    THEN("who was told and does not leave is cut off, the earliest first") {
        REQUIRE(crowd.shedding.tell_oldest());
        REQUIRE(crowd.shedding.tell_oldest());
        CHECK(crowd.shedding.told() == 2);
        crowd.pass_time();
        CHECK(crowd.all.size() == 4);
        REQUIRE(crowd.shedding.cut_off());
        CHECK((crowd.shedding.told() == 1 && crowd.shedding.leaving() == 2));
        run_until(crowd.loop, [&] { return crowd.all.size() == 3; });
        CHECK(crowd.shedding.leaving() == 1);
        REQUIRE(crowd.shedding.cut_off());
        CHECK(!crowd.shedding.cut_off());
        run_until(crowd.loop, [&] { return crowd.all.size() == 2; });
        CHECK(crowd.shedding.leaving() == 0);
    }
    THEN("who leaves in time is not counted any more") {
        REQUIRE(crowd.shedding.tell_oldest());
        crowd.clients[2].reset();
        run_until(crowd.loop, [&] { return crowd.all.size() == 3; });
        CHECK(crowd.shedding.leaving() == 0);
        CHECK(!crowd.shedding.cut_off());
    }
}

TEST_CASE("a request that crossed the notice is finished") {  // RFC 9113 §6.8
    Crowd crowd;
    Desk desk;
    crowd.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    const std::size_t client = crowd.come();
    Http2Peer peer;
    crowd.say(client, peer.say());
    crowd.pass_time();
    REQUIRE(crowd.shedding.tell_oldest());
    const auto stream = peer.get("/");
    crowd.say(client, peer.say());
    run_until(crowd.loop, [&] { return desk.handed_out() == 1; });
    CHECK(!crowd.shedding.cut_off());
    CHECK(crowd.shedding.leaving() == 0);
    desk.complete(0, answer_with(200, "late"));
    run_until(crowd.loop, [&] {
        const auto said = crowd.hear(client);
        if (said) peer.hear(*said);
        return peer.streams[stream].closed;
    });
    CHECK(peer.streams[stream].body == "late");
    CHECK(!peer.goaways.empty());
}

TEST_CASE("looking around among many is earned by calls or by time") {
    Crowd crowd;
    Desk desk;
    crowd.dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    for (int i = 0; i < 300; ++i) crowd.say(crowd.come(), kGet);
    run_until(crowd.loop, [&] { return desk.handed_out() == 300; });
    CHECK(!crowd.shedding.tell_oldest());  // looked
    desk.complete(17, answer_with(200, "answer"));
    crowd.pass_time();
    int calls = 1;
    while (!crowd.shedding.tell_oldest()) ++calls;
    CHECK(calls == 5);  // 64 each
    CHECK(!crowd.shedding.tell_oldest());
    desk.complete(18, answer_with(200, "answer"));
    crowd.pass_time();
    crowd.shedding.rest();
    CHECK(crowd.shedding.tell_oldest());
}
