#include "server/net/addresses.h"

#include <catch2/catch.hpp>

#include <optional>
#include <vector>

using namespace selvage;
using namespace std::chrono_literals;
using http::LimitHit;
using net::AddressTable;

namespace {

constexpr SteadyTime kBegin{1h};

config::Limits limits(unsigned connections, unsigned rate) {
    config::Limits limits;
    limits.address_connections = connections;
    limits.address_rate = rate;
    limits.address_exempt = {*parse_network("10.0.0.0/8"), *parse_network("fd00::/8")};
    return limits;
}

struct Visitors {
    // What stopped it; kCount when nothing did.
    LimitHit visit(std::string_view address, SteadyTime now) {
        auto place = table.admit(*parse_ip_address(address), now);
        if (!place) return place.error();
        places.push_back(*std::move(place));
        return LimitHit::kCount;
    }
    int visits(std::string_view address, SteadyTime now, int tries) {
        int welcome = 0;
        for (int i = 0; i < tries; ++i) welcome += visit(address, now) == LimitHit::kCount ? 1 : 0;
        return welcome;
    }
    AddressTable table;
    std::vector<AddressTable::Place> places;
};

}  // namespace

SCENARIO("an address has so many connections at most") {  // protocol-and-limits §3
    Visitors visitors{AddressTable(limits(256, 0)), {}};
    CHECK(visitors.visits("192.0.2.1", kBegin, 300) == 256);
    CHECK(visitors.visit("192.0.2.1", kBegin) == LimitHit::AddressConnections);
    THEN("another address is not concerned") { CHECK(visitors.visit("192.0.2.2", kBegin) == LimitHit::kCount); }
    THEN("what is closed makes room") {
        visitors.places.pop_back();
        CHECK(visitors.visits("192.0.2.1", kBegin, 5) == 1);
    }
    THEN("so does a larger limit, at once") {
        visitors.table.set_limits(limits(258, 0));
        CHECK(visitors.visits("192.0.2.1", kBegin, 5) == 2);
    }
    THEN("0 is no limit") {
        visitors.table.set_limits(limits(0, 0));
        CHECK(visitors.visits("192.0.2.1", kBegin, 1000) == 1000);
    }
}

SCENARIO("an address may make so many new connections in a second") {
    Visitors visitors{AddressTable(limits(0, 100)), {}};
    CHECK(visitors.visits("192.0.2.1", kBegin, 300) == 100);
    CHECK(visitors.visit("192.0.2.1", kBegin) == LimitHit::AddressRate);
    CHECK(visitors.visits("192.0.2.2", kBegin, 300) == 100);
    THEN("they come back one by one") {
        CHECK(visitors.visits("192.0.2.1", kBegin + 10ms, 5) == 1);
        CHECK(visitors.visits("192.0.2.1", kBegin + 500ms, 300) == 49);
        CHECK(visitors.visits("192.0.2.1", kBegin + 1h, 300) == 100);
    }
    THEN("closing them does not bring them back") {
        visitors.places.clear();
        CHECK(visitors.visit("192.0.2.1", kBegin) == LimitHit::AddressRate);
    }
    THEN("to be refused costs nothing") { CHECK(visitors.visits("192.0.2.1", kBegin + 1s, 300) == 100); }
}

TEST_CASE("an IPv6 client is its /64") {
    Visitors visitors{AddressTable(limits(4, 0)), {}};
    CHECK(visitors.visits("2001:db8:0:1::1", kBegin, 2) == 2);
    CHECK(visitors.visits("2001:db8:0:1:ffff::", kBegin, 3) == 2);
    CHECK(visitors.visits("2001:db8:0:2::1", kBegin, 3) == 3);
    CHECK(visitors.visits("::ffff:192.0.2.1", kBegin, 3) == 3);
    CHECK(visitors.visits("192.0.2.1", kBegin, 3) == 1);
}

TEST_CASE("exempt networks are not counted") {
    Visitors visitors{AddressTable(limits(1, 1)), {}};
    CHECK(visitors.visits("10.1.2.3", kBegin, 100) == 100);
    CHECK(visitors.visits("fd12::1", kBegin, 100) == 100);
    CHECK(visitors.visits("11.1.2.3", kBegin, 100) == 1);
    CHECK(visitors.table.clients() == 1);
}

TEST_CASE("loopback is exempt unless somebody says otherwise") {
    Visitors visitors{AddressTable(config::Limits{}), {}};
    CHECK(visitors.visits("127.0.0.1", kBegin, 1000) == 1000);
    CHECK(visitors.visits("::1", kBegin, 1000) == 1000);
    CHECK(visitors.visits("192.0.2.1", kBegin, 1000) == 100);
}

SCENARIO("memory is bounded") {
    Visitors visitors{AddressTable(limits(256, 100)), {}};
    const auto from = [](unsigned i) {
        return IpAddress::v4(192, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                             static_cast<std::uint8_t>(i));
    };
    THEN("who has left is forgotten when its bucket is full again") {
        for (unsigned i = 0; i < 1000; ++i) CHECK(visitors.table.admit(from(i), kBegin));
        CHECK(visitors.table.clients() == 1000);
        for (unsigned i = 0; i < 500; ++i) CHECK(visitors.table.admit(from(5000), kBegin + std::chrono::seconds(i + 1)));
        CHECK(visitors.table.clients() == 1);
    }
    THEN("who has connections is not") {
        CHECK(visitors.visits("192.0.2.1", kBegin, 3) == 3);
        for (unsigned i = 0; i < 100; ++i) CHECK(visitors.table.admit(from(1000 + i), kBegin + std::chrono::hours(i)));
        CHECK(visitors.table.clients() == 2);
        CHECK(visitors.visits("192.0.2.1", kBegin + 1000h, 1) == 1);
    }
    THEN("a flood from everywhere in an instant leaves no more than the table keeps") {
        for (unsigned i = 0; i < 2 * AddressTable::kMostWithout; ++i) {
            if (!visitors.table.admit(from(i), kBegin)) FAIL();
        }
        CHECK(visitors.table.clients() == AddressTable::kMostWithout);
        THEN("and the limits hold as before") { CHECK(visitors.visits("192.0.2.1", kBegin + 1h, 300) == 100); }
    }
}
