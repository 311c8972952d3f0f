#include <catch2/catch.hpp>

#include <string>
#include <utility>

#include "tests/server/http_sessions/conversation.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::testing;
using http::Waiting;

namespace {

// A loop and a pool that many conversations use one after the other.
struct House {
    loop::Loop loop;
    loop::WorkPool pool{1};

    std::unique_ptr<Conversation> talk(config::Config limits = {}) {
        return std::make_unique<Conversation>(Conversation::Version::Http1, loop, pool, std::move(limits));
    }
};

const std::string kGet = "GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n";

std::string response(const std::string& status, const std::string& fields, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\ndate: Fri, 20 Nov 2026 10:00:00 GMT\r\n" + fields +
           "cache-status: selvage; hit\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string status_of(const std::string& response_text) {
    return response_text.starts_with("HTTP/1.1 ") ? response_text.substr(9, 3) : "(" + response_text + ")";
}

std::string status_for(House& house, const std::string& request) { return status_of(house.talk()->receive(request)); }

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++found;
    return found;
}

}  // namespace

TEST_CASE("an HTTP/1 request is understood and answered") {  // RFC 9112
    House house;
    const auto talk = house.talk();
    CHECK(talk->session->waiting() == Waiting::Greeting);
    const std::string said =
        talk->receive("GET /a?b=1 HTTP/1.1\r\nHost: Example.org:8443\r\nX-One:  1 \r\nCookie: a\r\nX-Empty:\r\n\r\n");
    CHECK(said == response("200 OK", "content-type: text/plain\r\n", "you asked for /a?b=1"));

    REQUIRE(talk->dispatcher.seen.size() == 1);
    const Seen& seen = talk->dispatcher.seen[0];
    CHECK(seen.method == "GET");
    CHECK(seen.authority == "Example.org:8443");
    CHECK(seen.target == "/a?b=1");
    CHECK(seen.peer == "192.0.2.1");
    CHECK(seen.secure);
    CHECK(seen.protocol == http::Protocol::Http11);
    CHECK(seen.fields ==
          std::map<std::string, std::string>{{"host", "Example.org:8443"}, {"x-one", "1"}, {"cookie", "a"}, {"x-empty", ""}});
    REQUIRE(talk->dispatcher.outcomes.size() == 1);
    CHECK(talk->dispatcher.outcomes[0].complete);
    CHECK(talk->dispatcher.outcomes[0].body_bytes == 20);
    CHECK(!talk->session->finished());
    CHECK(talk->session->waiting() == Waiting::Nothing);
}

TEST_CASE("repeated fields are one list, and absolute targets name the authority") {  // RFC 9110 §5.3, RFC 9112 §3.2.2
    House house;
    const auto talk = house.talk();
    talk->receive(
        "GET http://other.example/b?c HTTP/1.1\r\nHost: example.org\r\nAccept: a\r\nACCEPT: b\r\nCookie: x\r\nCookie: y\r\n\r\n");
    REQUIRE(talk->dispatcher.seen.size() == 1);
    CHECK(talk->dispatcher.seen[0].authority == "other.example");
    CHECK(talk->dispatcher.seen[0].target == "/b?c");
    CHECK(talk->dispatcher.seen[0].fields["accept"] == "a, b");
    CHECK(talk->dispatcher.seen[0].fields["cookie"] == "x; y");
}

TEST_CASE("how the bytes of HTTP/1 are split makes no difference") {
    House house;
    const std::string input =
        "\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\nAccept: x\r\n\r\nGET /3 HTTP/1.0\r\n\r\n";
    const auto whole = house.talk();
    whole->receive(input);
    REQUIRE(whole->dispatcher.seen.size() == 3);
    for (std::size_t split = 0; split <= input.size(); ++split) {
        const auto parts = house.talk();
        parts->receive(input.substr(0, split));
        parts->receive(input.substr(split));
        INFO(split);
        CHECK(parts->all == whole->all);
        CHECK(parts->dispatcher.seen == whole->dispatcher.seen);
    }
    const auto bytes = house.talk();
    for (const char byte : input) bytes->receive({&byte, 1});
    CHECK(bytes->all == whole->all);
}

TEST_CASE("how the bytes are split makes no difference to a refusal of HTTP/1 either") {
    House house;
    config::Config small;
    small.http1 = {.request_line = 32, .header_bytes = 64, .field_bytes = 40, .fields = 3};
    const std::string inputs[] = {
        "GET /" + std::string(40, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",  // line
        "GET /" + std::string(18, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",  // line, just allowed
        "GET /" + std::string(19, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",  // line, one too long
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(30, 'b') + "\r\nY: " + std::string(30, 'c') + "\r\n\r\n",  // section
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(25, 'b') + "\r\nY: " + std::string(20, 'c') + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40, 'b') + "\r\n\r\n",  // one field
        "GET / HTTP/1.1\r\nHost: a\r\nb: 1\r\nc: 1\r\nd: 1\r\n\r\n",             // count
        "GET / HTTP/1.1\nHost: a\n\n",                                           // bare line feeds
        "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",                               // obs-fold
    };
    for (const std::string& input : inputs) {
        const auto whole = house.talk(small);
        whole->receive(input);
        for (std::size_t split = 1; split < input.size(); ++split) {
            const auto parts = house.talk(small);
            parts->receive(input.substr(0, split));
            parts->receive(input.substr(split));
            INFO(input << " split at " << split);
            CHECK(status_of(parts->all) == status_of(whole->all));
        }
    }
}

TEST_CASE("pipelined requests are answered in their order, even when the first takes longer") {  // RFC 9112 §9.3.2
    House house;
    const auto talk = house.talk();
    Desk desk;
    talk->dispatcher.reply = [&](const http::Request& request) -> http::Reply {
        if (request.target == "/slow") return desk.pending();
        return answer_with(200, "fast");
    };
    CHECK(talk->receive("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\n\r\n").empty());
    CHECK(talk->session->waiting() == Waiting::Handler);
    CHECK(talk->dispatcher.seen.size() == 1);
    desk.complete(0, answer_with(200, "slow"));
    CHECK(talk->woken);
    CHECK(talk->settle() == response("200 OK", "", "slow") + response("200 OK", "", "fast"));
    CHECK(desk.dropped(0));
}

TEST_CASE("HEAD and the statuses without content") {  // RFC 9110 §9.3.2, §15.3.5, §15.4.5; RFC 9112 §6.3
    House house;
    const auto talk = house.talk();
    WHEN("HEAD is answered") {
        const std::string said = talk->receive("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
        THEN("it has the length of the body that it has not") {
            CHECK(said.find("content-length: 16\r\n") != std::string::npos);
            CHECK(said.ends_with("\r\n\r\n"));
            CHECK(talk->dispatcher.outcomes[0].body_bytes == 0);
        }
    }
    WHEN("the handler knows only the length") {
        talk->dispatcher.reply = [](const http::Request&) {
            http::Answer answer = answer_with(200);
            answer.content_length = 5'000'000'000;
            return answer;
        };
        CHECK(talk->receive("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n").find("content-length: 5000000000\r\n") != std::string::npos);
    }
    for (const std::uint16_t status : {std::uint16_t{204}, std::uint16_t{304}}) {
        talk->dispatcher.reply = [status](const http::Request&) { return answer_with(status); };
        const std::string said = talk->receive(kGet);
        CHECK(status_of(said) == std::to_string(status));
        CHECK(said.find("content-length") == std::string::npos);
        CHECK(said.ends_with("\r\n\r\n"));
    }
    THEN("an empty 200 says that it is empty") {
        talk->dispatcher.reply = [](const http::Request&) { return answer_with(200); };
        CHECK(talk->receive(kGet).find("content-length: 0\r\n") != std::string::npos);
    }
}

SCENARIO("the connection is kept or closed") {  // RFC 9112 §9.3
    House house;
    const auto talk = house.talk();
    const auto closes = [&](const std::string& request) {
        const std::string said = talk->receive(request);
        CHECK((said.find("connection: close\r\n") != std::string::npos) == talk->session->finished());
        return talk->session->finished();
    };
    THEN("1.1 keeps it") { CHECK(!closes(kGet)); }
    THEN("1.1 closes it when asked, whatever the case and the company") {
        CHECK(closes("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n"));
    }
    THEN("1.0 closes it") { CHECK(closes("GET / HTTP/1.0\r\n\r\n")); }
    THEN("1.0 keeps it when asked, and is told so") {
        const std::string said = talk->receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        CHECK(said.find("connection: keep-alive\r\n") != std::string::npos);
        CHECK(!talk->session->finished());
    }
    THEN("the handler may want it closed") {
        talk->dispatcher.reply = [](const http::Request&) {
            http::Answer answer = answer_with(200);
            answer.close = true;
            return answer;
        };
        CHECK(closes(kGet));
    }
    THEN("what follows the last request is read over and not answered") {
        talk->receive("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + kGet);
        CHECK(talk->dispatcher.seen.size() == 1);
        CHECK(talk->session->finished());
    }
}

TEST_CASE("a request with content is answered and the connection closed: none of it can pass for a request") {  // RFC 9112 §9.6
    House house;
    for (const std::string framing : {"Content-Length: 38", "Transfer-Encoding: chunked"}) {
        const auto talk = house.talk();
        const std::string said = talk->receive("POST /a HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n\r\n" + kGet);
        CHECK(talk->dispatcher.seen.size() == 1);
        CHECK(count(said, "HTTP/1.1 ") == 1);
        CHECK(said.find("connection: close\r\n") != std::string::npos);
        CHECK(talk->session->finished());
    }
    THEN("an empty content is none") {
        const auto talk = house.talk();
        talk->receive("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        CHECK(!talk->session->finished());
    }
}

SCENARIO("who asks for a request's content gets it whole") {
    House house;
    const auto post = [](std::size_t length) {
        return "POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
    };
    const std::string request = post(5) + "12345" + kGet;
    THEN("however its bytes are split, and the connection goes on behind it") {
        for (std::size_t split = 1; split < request.size(); ++split) {
            const auto talk = house.talk();
            std::string said = talk->receive(request.substr(0, split));
            said += talk->receive(request.substr(split));
            REQUIRE(talk->dispatcher.seen.size() == 2);
            CHECK(talk->dispatcher.seen[0].body == "12345");
            CHECK(talk->dispatcher.seen[1].body.empty());
            CHECK(count(said, "HTTP/1.1 200 ") == 2);
            CHECK(!talk->session->finished());
        }
    }
    THEN("it waits for the last byte, as long as a request may take") {
        const auto talk = house.talk();
        CHECK(talk->receive(post(5) + "1234").empty());
        CHECK(talk->dispatcher.seen.empty());
        CHECK(talk->session->waiting() == Waiting::RequestHead);
        talk->session->time_out();
        CHECK(status_of(talk->settle()) == "408");
        CHECK(talk->session->finished());
    }
    THEN("more than it wants, or of unknown length, is refused and the connection closed") {
        for (const auto& [text, status] : {std::pair{post(101), "413"}, std::pair{post(18'446'744'073'709'551'615U), "413"},
                                           std::pair{std::string("POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                                                 "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
                                                     "411"}}) {
            const auto talk = house.talk();
            CHECK(status_of(talk->receive(text + kGet)) == status);
            CHECK(talk->dispatcher.seen.empty());
            CHECK(talk->session->finished());
        }
        CHECK(status_of(house.talk()->receive(post(100) + std::string(100, 'x'))) == "200");
    }
    THEN("an answer that comes while draining is the last") {
        const auto talk = house.talk();
        talk->receive(post(5) + "12");
        talk->session->drain();
        CHECK(talk->receive("345").find("connection: close\r\n") != std::string::npos);
        CHECK(talk->session->finished());
    }
}

TEST_CASE("what is not HTTP/1 is refused, not guessed at") {
    House house;
    const auto refused = [&](const std::string& request) {
        const auto talk = house.talk();
        const std::string said = talk->receive(request);
        INFO(request);
        CHECK(talk->dispatcher.seen.empty());
        CHECK(talk->session->finished());
        REQUIRE(talk->dispatcher.outcomes.size() == 1);
        CHECK(talk->dispatcher.finished_peers[0] == "192.0.2.1");
        return status_of(said);
    };
    // RFC 9112 §2.2: line ends
    CHECK(refused("GET / HTTP/1.1\nHost: a\n\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n") == "400");
    CHECK(refused(std::string("GET / HTTP/1.1\r\nHost: a\r\nX: ") + '\0' + "\r\n\r\n") == "400");
    // §3: request line
    CHECK(refused("GET /\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1 \r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == "505");
    CHECK(refused("GET / HTTP/3.7\r\nHost: a\r\n\r\n") == "505");
    CHECK(refused("BREW / HTTP/1.1\r\nHost: a\r\n\r\n") == "501");
    CHECK(refused("get / HTTP/1.1\r\nHost: a\r\n\r\n") == "501");
    CHECK(refused("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET  /a HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n") == "400");
    // §3.2: Host
    CHECK(refused("GET / HTTP/1.1\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == "400");
    // §5: field lines
    CHECK(refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n") == "400");
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n") == "400");
    // §6: framing, where requests are smuggled
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") == "400");
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n") == "400");
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n") == "400");
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n") == "400");
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n") == "400");
    CHECK(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == "400");
    const std::string strange = refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n");
    CHECK((strange == "501" || strange == "400"));
}

TEST_CASE("a HEAD that is refused has no content, as far as the method could be read") {
    House house;
    CHECK(status_for(house, "HEAD / HTTP/1.1\r\n\r\n") == "400");
}

SCENARIO("requests of HTTP/1 have limits") {  // protocol-and-limits §2
    House house;
    config::Config limits;
    const auto hits = [](const Conversation& talk, http::LimitHit limit) {
        const auto place = talk.observer.hits.find(limit);
        return place == talk.observer.hits.end() ? 0 : place->second;
    };
    const std::string line_start = "GET /", line_end = " HTTP/1.1";
    const auto line_of = [&](std::size_t size) { return line_start + std::string(size - 14, 'a') + line_end; };

    THEN("the request line: 414") {
        const auto fits = house.talk();
        CHECK(status_of(fits->receive(line_of(limits.http1.request_line) + "\r\nHost: a\r\n\r\n")) == "200");
        const auto longer = house.talk();
        CHECK(status_of(longer->receive(line_of(limits.http1.request_line + 1) + "\r\nHost: a\r\n\r\n")) == "414");
        CHECK(hits(*longer, http::LimitHit::RequestLine) == 1);
    }
    THEN("a request line without an end: 414 as soon as it is too long") {
        const auto talk = house.talk();
        CHECK(status_of(talk->receive(std::string(limits.http1.request_line + 2, 'a'))) == "414");
    }
    THEN("one field: 431") {
        const auto talk = house.talk();
        CHECK(status_of(talk->receive("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(limits.http1.field_bytes, 'x') +
                                      "\r\n\r\n")) == "431");
        CHECK(hits(*talk, http::LimitHit::HeaderBytes) == 1);
    }
    THEN("all fields together: 431") {
        std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (int i = 0; i < 5; ++i) request += "X" + std::to_string(i) + ": " + std::string(7'000, 'x') + "\r\n";
        const auto talk = house.talk();
        CHECK(status_of(talk->receive(request + "\r\n")) == "431");
        CHECK(hits(*talk, http::LimitHit::HeaderBytes) == 1);
    }
    THEN("a header section without an end: 431 as soon as it is too long") {
        const auto talk = house.talk();
        std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
        while (request.size() < 64'000) request += "X: y\r\n";
        CHECK(status_of(talk->receive(request)) == "431");
    }
    THEN("the number of fields: 431") {
        std::string request = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (unsigned i = 1; i < limits.http1.fields; ++i) request += "X: y\r\n";
        CHECK(status_for(house, request + "\r\n") == "200");
        const auto talk = house.talk();
        CHECK(status_of(talk->receive(request + "X: y\r\n\r\n")) == "431");
        CHECK(hits(*talk, http::LimitHit::HeaderFields) == 1);
    }
}

SCENARIO("an HTTP/1 reply that comes later") {
    House house;
    auto talk = house.talk();
    Desk desk;
    talk->dispatcher.reply = [&](const http::Request&) { return desk.pending(); };
    talk->receive(kGet);
    REQUIRE(desk.handed_out() == 1);

    WHEN("the connection goes first") {
        talk->session.reset();
        THEN("the work is withdrawn and the exchange is reported once, as incomplete") {
            CHECK(desk.dropped(0));
            REQUIRE(talk->dispatcher.outcomes.size() == 1);
            CHECK(!talk->dispatcher.outcomes[0].complete);
        }
    }
    WHEN("the server drains meanwhile") {
        talk->session->drain();
        CHECK(!talk->session->finished());
        desk.complete(0, answer_with(200, "late"));
        THEN("the answer is still given, and closes") {
            CHECK(talk->settle() == response("200 OK", "", "late")
                                        .insert(response("200 OK", "", "late").find("\r\n\r\n") + 2, "connection: close\r\n"));
            CHECK(talk->session->finished());
        }
    }
    WHEN("it comes") {
        desk.complete(0, answer_with(200, "late"));
        CHECK(talk->woken);
        CHECK(talk->session->wants_output());
        CHECK(talk->settle() == response("200 OK", "", "late"));
    }
}

TEST_CASE("draining an idle connection ends it; one that has begun a request gets its answer") {
    House house;
    const auto idle = house.talk();
    idle->receive(kGet);
    idle->session->drain();
    CHECK(idle->session->finished());

    const auto begun = house.talk();
    begun->receive(kGet.substr(0, 10));
    begun->session->drain();
    CHECK(!begun->session->finished());
    CHECK(begun->receive(kGet.substr(10)).find("connection: close\r\n") != std::string::npos);
    CHECK(begun->session->finished());
}

TEST_CASE("after notice an idle connection has one more request") {
    House house;
    const auto talk = house.talk();
    talk->receive(kGet);
    talk->session->notice();
    CHECK(!talk->session->finished());
    CHECK(talk->receive(kGet).find("connection: close\r\n") != std::string::npos);
    CHECK(talk->session->finished());

    const auto silent = house.talk();
    silent->session->notice();
    silent->session->drain();
    CHECK(silent->session->finished());
}

SCENARIO("time runs out") {
    House house;
    const auto talk = house.talk();
    WHEN("a request has begun to arrive") {
        talk->receive("GET / HT");
        CHECK(talk->session->waiting() == Waiting::RequestHead);
        talk->session->time_out();
        THEN("408 says so") {  // RFC 9110 §15.5.9
            CHECK(status_of(talk->settle()) == "408");
            CHECK(talk->session->finished());
        }
    }
    WHEN("nothing has arrived") {
        talk->session->time_out();
        CHECK(talk->settle().empty());
        CHECK(talk->session->finished());
    }
    WHEN("an answer is being sent") {
        talk->room = 100;
        talk->dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(1'000)); };
        talk->session->feed(kGet);
        talk->flush_once();
        CHECK(talk->session->waiting() == Waiting::Peer);
        talk->session->time_out();
        THEN("it ends, reported once as incomplete") {
            CHECK(talk->session->finished());
            talk->session.reset();
            REQUIRE(talk->dispatcher.outcomes.size() == 1);
            CHECK(!talk->dispatcher.outcomes[0].complete);
        }
    }
}

SCENARIO("bodies are pulled as there is room") {
    House house;
    const auto talk = house.talk();
    const auto file = std::make_shared<FakeFile>(pattern(500'000));

    WHEN("it lies in memory and the room is small") {
        talk->room = 1'000;
        talk->dispatcher.reply = [](const http::Request&) { return answer_with(200, pattern(10'000)); };
        talk->receive(kGet);
        THEN("no flush is larger than its room, and all arrives") {
            CHECK(talk->largest_flush <= 1'000);
            CHECK(talk->all == response("200 OK", "", pattern(10'000)));
        }
    }
    WHEN("it is a file in the page cache") {
        talk->dispatcher.reply = [&](const http::Request&) { return answer_with(200, file_body(file)); };
        CHECK(talk->receive(kGet) == response("200 OK", "", file->content));
    }
    WHEN("part of the file must be read from the disk") {
        file->cached = 200'000;
        talk->dispatcher.reply = [&](const http::Request&) { return answer_with(200, file_body(file)); };
        talk->receive(kGet);
        CHECK(!talk->session->wants_output());
        while (talk->session->waiting() != Waiting::Nothing) {
            talk->woken = false;
            run_until(house.loop, [&] { return talk->woken; });
            talk->settle();
        }
        THEN("it arrives whole") { CHECK(talk->all == response("200 OK", "", file->content)); }
    }
    WHEN("the file changes under way") {
        file->changed_from = 300'000;
        talk->dispatcher.reply = [&](const http::Request&) { return answer_with(200, file_body(file)); };
        talk->receive(kGet + kGet);
        THEN("the response is cut off, reported as incomplete, and nothing follows it") {
            CHECK(talk->session->finished());
            CHECK(talk->all.size() < 500'000);
            REQUIRE(talk->dispatcher.outcomes.size() == 1);
            CHECK(!talk->dispatcher.outcomes[0].complete);
        }
    }
    WHEN("it has several parts of both kinds") {  // multipart/byteranges
        talk->dispatcher.reply = [&](const http::Request&) {
            std::vector<http::Segment> parts;
            parts.push_back({.bytes = make_blob("<<"), .file = {}, .offset = 0, .length = 2});
            parts.push_back({.bytes = {}, .file = file, .offset = 1'000, .length = 300'000});
            parts.push_back({.bytes = make_blob("0123456789"), .file = {}, .offset = 3, .length = 4});
            parts.push_back({.bytes = {}, .file = file, .offset = 7, .length = 1});
            parts.push_back({.bytes = make_blob(">>"), .file = {}, .offset = 0, .length = 2});
            return answer_with(206, http::Body(std::move(parts)));
        };
        const std::string body = "<<" + file->content.substr(1'000, 300'000) + "3456" + file->content.substr(7, 1) + ">>";
        CHECK(talk->receive(kGet) == response("206 Partial Content", "", body));
    }
    WHEN("the connection goes while the disk is read") {
        file->cached = 0;
        talk->dispatcher.reply = [&](const http::Request&) { return answer_with(200, file_body(file)); };
        talk->receive(kGet);
        talk->session.reset();
        bool passed = false;
        const auto barrier =
            house.pool.submit(house.loop, loop::WorkPool::Lane::Now, [] { return 0; }, [&](int) { passed = true; });
        run_until(house.loop, [&] { return passed; });
        THEN("nobody is called") { CHECK(!talk->woken); }
    }
}
