#include "server/net/ticket_keys.h"

#include <catch2/catch.hpp>

using namespace selvage;
using net::TicketKeys;
using namespace std::chrono_literals;

SCENARIO("the keys of session tickets are rotated") {  // RFC 5077 §5.5
    SteadyTime now{1000h};
    TicketKeys keys([&] { return now; });
    const auto first = keys.current();
    REQUIRE(first);

    THEN("one key serves for twelve hours") {
        now += 12h - 1s;
        CHECK(keys.current()->name == first->name);
    }
    THEN("then another, which shares nothing with it") {
        now += 12h;
        const auto second = keys.current();
        CHECK(second->name != first->name);
        CHECK(second->cipher != first->cipher);
        CHECK(second->mac != first->mac);
        AND_THEN("tickets of the first are still opened, with the first") {
            now += 12h - 1s;
            REQUIRE(keys.find(first->name));
            CHECK(keys.find(first->name)->cipher == first->cipher);
        }
        AND_THEN("until it is a day old, even if nobody has come meanwhile") {
            now += 12h;
            CHECK(!keys.find(first->name));
            CHECK(keys.find(second->name));
        }
    }
    THEN("a ticket can be opened for as long as it lives, whenever it was made") {
        now += 12h - 1s;
        const auto key = keys.current();
        now += TicketKeys::kTicketLifetime;
        CHECK(keys.find(key->name));
    }
    THEN("a name that was never given has no key") { CHECK(!keys.find(std::array<unsigned char, 16>{})); }
    THEN("two servers share no key") {
        TicketKeys others([&] { return now; });
        CHECK(!others.find(first->name));
        CHECK(others.current()->cipher != first->cipher);
    }
}
