#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/hot_path/clients.h"
#include "tests/server/hot_path/house.h"
#include "tests/server/loop/turns.h"
#include "tests/support/allocations.h"

using namespace selvage;
using namespace selvage::testing;

namespace {

constexpr std::size_t kCounted = 1'000;

struct Transport {
    const char* name;
    bool http2;
    bool secure;
};

// A connection over which a client asks; what the server allocates meanwhile is counted.
class Talk {
public:
    Talk(House& house, Transport transport)
        : house_(house),
          wire_(transport.secure ? house.https_port : house.http_port, transport.secure,
                transport.http2 ? "\x02h2" : "\x08http/1.1"),
          under_way_(transport.http2 ? 32 : 1) {
        run_until(house.loop, [&] { return wire_.open(); });
        client_ = transport.http2 ? std::unique_ptr<Client>(std::make_unique<Http2Client>(wire_))
                                  : std::make_unique<Http1Client>(wire_);
    }

    // The first time that something is asked for, it is opened, coded and remembered; later the best coding takes the place of
    // the fast one. Then buffers have grown to what they need, and the access log has filled all of its chunks once.
    void warm_up(const Ask& ask, std::size_t requests = kCounted) {
        repeat(ask, 64);
        run_until(house_.loop, [&] { return !house_.busy(); });
        repeat(ask, requests);
        allocations.forget();
        turns = wire_.received = 0;
        began_ = std::chrono::steady_clock::now();
    }

    void repeat(const Ask& ask, std::size_t requests) {
        for (std::size_t begun = 0; begun < requests; begun += under_way_) {
            client_->ask(std::vector<Ask>(under_way_, ask));
            hear_answers();
            REQUIRE(client_->statuses() == std::vector<std::string>(under_way_, ask.status));
        }
    }

    std::size_t received() const { return wire_.received; }

    // What is done by the clock while requests come, however many: each second the Date is made (its text, its HTTP/2 form), and
    // twice a second one request looks, on the work pool, whether the root is still the root.
    std::size_t allowed_by_clock() const {
        constexpr std::size_t kEachSecond = 32;
        const auto passed = std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
        return kEachSecond * static_cast<std::size_t>(passed.count());
    }

    Allocations allocations;
    std::size_t turns = 0;

private:
    void hear_answers() {
        loop::Timer tick(house_.loop, [] {});  // bounds a turn in which nothing comes
        tick.repeat(std::chrono::milliseconds(10));
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        do {
            allocations.during([&] { house_.loop.turn(); });
            ++turns;
            REQUIRE(std::chrono::steady_clock::now() < deadline);
        } while (!client_->answered());
    }

    House& house_;
    Wire wire_;
    const std::size_t under_way_;
    std::unique_ptr<Client> client_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

const std::string kAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

const std::vector<std::pair<const char*, Ask>> kHits = {
    {"a page", {"/", {}}},
    {"a page, asked for by a browser",
     {"/?from=here",
      {{"user-agent", kAgent},
       {"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
       {"accept-encoding", "gzip, deflate, br, zstd"},
       {"accept-language", "en-US,en;q=0.5"},
       {"upgrade-insecure-requests", "1"},
       {"sec-fetch-dest", "document"},
       {"cookie", "session=0123456789abcdef0123456789abcdef"},
       {"referer", "https://example.org/a"},
       {"priority", "u=0, i"}}}},
    {"a script in brotli", {"/app.js", {{"accept-encoding", "br"}}}},
    {"a style sheet under a rule, in zstd", {"/style.css", {{"accept-encoding", "zstd"}}}},
    {"a photograph of 100 KB", {"/photo.jpg", {}}},
    {"an image variant", {"/photo.jpg?w=640", {{"accept", "image/webp"}}}},
    {"not modified", {"/photo.jpg", {{"if-modified-since", "Tue, 01 Jan 2047 00:00:00 GMT"}}, "GET", "304"}},
    {"HEAD", {"/app.js", {{"accept-encoding", "br"}}, "HEAD"}},
    {"a range", {"/photo.jpg", {{"range", "bytes=100-5000"}}, "GET", "206"}},
    {"nothing there", {"/nothing.txt", {}, "GET", "404"}},
    {"a method that is not allowed", {"/app.js", {}, "DELETE", "405"}},
};

struct Ready : House {
    Ready() {
        images.set_epoch("test");
        put_variant("/photo.jpg", 640, std::string(20'000, 'v'));
    }
};

}  // namespace

TEST_CASE("what is counted is what is allocated") {  // or the zeros below would say nothing
    Allocations allocations;
    allocations.during([] { CHECK(std::make_unique<std::string>(100, 'x')->size() == 100); });
    CHECK(allocations.count() >= 2);
    CHECK(allocations.report().find("allocations in") != std::string::npos);
    allocations.forget();
    allocations.during([] {});
    CHECK(allocations.count() == 0);
}

SCENARIO("a request that is answered from memory allocates nothing") {
    Ready house;
    for (const Transport transport : {Transport{"HTTP/2", true, false}, Transport{"HTTP/1.1", false, false}}) {
        for (const auto& [what, ask] : kHits) {
            DYNAMIC_SECTION(transport.name << ": " << what) {
                Talk talk(house, transport);
                talk.warm_up(ask);
                talk.repeat(ask, kCounted);
                INFO(talk.allocations.report());
                CHECK(talk.allocations.count() <= talk.allowed_by_clock());
            }
        }
    }
}

SCENARIO("over TLS it is OpenSSL alone that allocates: per record, not per request") {
    Ready house;
    for (const Transport transport : {Transport{"HTTP/2", true, true}, Transport{"HTTP/1.1", false, true}}) {
        for (const auto& [what, ask] : kHits) {
            DYNAMIC_SECTION(transport.name << ": " << what) {
                Talk talk(house, transport);
                talk.warm_up(ask);
                talk.repeat(ask, kCounted);
                INFO(talk.allocations.report());
                const std::size_t openssl = talk.allocations.within("libssl");
                CHECK(talk.allocations.count() - openssl <= talk.allowed_by_clock());
                // Three small pieces (WPACKET) for each record, and each second its buffers anew; one in and two that are not
                // full a turn.
                const std::size_t records = talk.received() / 16'384 + 3 * talk.turns;
                CHECK(openssl <= 3 * records + 8);
            }
        }
    }
}

SCENARIO("a file that is too large for memory costs a buffer") {
    Ready house;
    for (const Transport transport : {Transport{"HTTP/2", true, false}, Transport{"HTTP/1.1", false, false}}) {
        DYNAMIC_SECTION(transport.name) {
            Talk talk(house, transport);
            const Ask ask{"/large.bin", {}};
            constexpr std::size_t kAsked = 32;
            talk.warm_up(ask, kAsked);
            talk.repeat(ask, kAsked);
            INFO(talk.allocations.report());
            CHECK(talk.allocations.count() <= kAsked + talk.allowed_by_clock());
        }
    }
}
