#include "server/net/tls.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <string>

#include "server/net/development_certificate.h"
#include "tests/server/catalogue/temporary_folder.h"
#include "tests/server/net/tls_client.h"

using namespace selvage;
using namespace selvage::net;
using selvage::testing::TemporaryFolder;
using selvage::testing::TlsClient;
using Step = TlsChannel::Step;

namespace {

const std::string kBoth = "\x02h2\x08http/1.1";

struct Certified {
    Certified()
        : files(*development_certificate(folder.path().string(),
                                         std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()))),
          context(*TlsContext::load(files.certificate, files.key)) {}
    TemporaryFolder folder;
    CertificateFiles files;
    TlsContextPtr context;
};

// Our end, with what it wants to send.
struct Server final : TlsChannel::Sink {
    explicit Server(TlsContextPtr context) : channel(std::move(context)) { channel.set_sink(this); }
    void take(std::string_view records) override { out += records; }

    Step step(TlsClient& client) {
        const std::string in = client.say();
        channel.set_input(in);
        const Step result = channel.handshake();
        rest = channel.input_left();
        client.hear(std::exchange(out, {}));
        return result;
    }
    // True when both ends have finished.
    bool shake(TlsClient& client) {
        bool theirs = false;
        for (int round = 0; round < 5; ++round) {
            theirs = client.handshake() || theirs;
            if (channel.handshake_done()) return theirs;
            if (step(client) == Step::Failed) return false;
        }
        return false;
    }
    std::string read(std::string_view sealed) {
        std::string plain;
        char block[17'000];
        std::size_t size = 0;
        channel.set_input(sealed);
        while ((last = channel.read(block, sizeof block, &size)) == Step::Done) plain.append(block, size);
        return plain;
    }

    TlsChannel channel;
    std::string out, rest;
    Step last = Step::Done;
};

}  // namespace

SCENARIO("a handshake chooses the protocol") {  // RFC 7301, RFC 9113 §3.2
    const Certified certified;
    Server server(certified.context);
    GIVEN("a client of HTTP/2 and HTTP/1.1") {
        TlsClient client(kBoth);
        REQUIRE(server.shake(client));
        CHECK(client.protocol() == "h2");
        CHECK(server.channel.selected_h2());
    }
    GIVEN("a client that prefers HTTP/1.1 but knows both") {
        TlsClient client("\x08http/1.1\x02h2");
        REQUIRE(server.shake(client));
        THEN("the server's preference counts") { CHECK(client.protocol() == "h2"); }
    }
    GIVEN("a client of HTTP/1.1 alone") {
        TlsClient client("\x08http/1.1");
        REQUIRE(server.shake(client));
        CHECK(client.protocol() == "http/1.1");
        CHECK(!server.channel.selected_h2());
    }
    GIVEN("a client without ALPN") {
        TlsClient client("");
        REQUIRE(server.shake(client));
        CHECK(!server.channel.selected_h2());
    }
    GIVEN("a client of something else") {
        TlsClient client("\x04smtp");
        THEN("it is refused (no_application_protocol)") {  // RFC 7301 §3.2
            CHECK(!server.shake(client));
            CHECK(!server.channel.failure().empty());
        }
    }
    GIVEN("TLS 1.2") {
        TlsClient client(kBoth, TLS1_2_VERSION);
        REQUIRE(server.shake(client));
        THEN("the cipher is none of those that RFC 9113 appendix A forbids") {
            const std::string cipher = SSL_get_cipher_name(client.native());
            INFO(cipher);
            CHECK(cipher.starts_with("ECDHE-"));
            CHECK((cipher.find("GCM") != std::string::npos || cipher.find("CHACHA20") != std::string::npos));
        }
    }
    GIVEN("TLS 1.1") {
        TlsClient client(kBoth, TLS1_1_VERSION);
        CHECK(!server.shake(client));
    }
    GIVEN("TLS 1.2 with a cipher of the past") {
        TlsClient client(kBoth, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256");
        CHECK(!server.shake(client));
    }
    GIVEN("bytes that are not TLS") {
        const std::string plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        server.channel.set_input(plain);
        CHECK(server.channel.handshake() == Step::Failed);
        CHECK(!server.channel.failure().empty());
    }
}

TEST_CASE("a handshake may arrive byte by byte") {
    const Certified certified;
    Server server(certified.context);
    TlsClient client(kBoth);
    bool theirs = false;
    for (int round = 0; round < 5 && !(theirs && server.channel.handshake_done()); ++round) {
        theirs = client.handshake() || theirs;
        for (const char byte : client.say()) {
            server.channel.set_input({&byte, 1});
            REQUIRE(server.channel.handshake() != Step::Failed);
            CHECK(server.channel.input_left().empty());
        }
        client.hear(std::exchange(server.out, {}));
    }
    CHECK(server.channel.selected_h2());
}

SCENARIO("bytes travel both ways") {
    const Certified certified;
    Server server(certified.context);
    TlsClient client(kBoth);
    REQUIRE(server.shake(client));

    WHEN("the client sends several records at once") {
        client.write("one ");
        client.write("two ");
        client.write(std::string(16'384, 'x'));
        CHECK(server.read(client.say()) == "one two " + std::string(16'384, 'x'));
        CHECK(server.last == Step::NeedsInput);
    }
    WHEN("a record arrives in two parts") {
        client.write("hello");
        const std::string record = client.say();
        CHECK(server.read(record.substr(0, 9)).empty());
        CHECK(server.last == Step::NeedsInput);
        CHECK(server.read(record.substr(9)) == "hello");
    }
    WHEN("the server writes a full record") {
        server.out.clear();
        CHECK(server.channel.write(std::string(16'384, 'y')));
        THEN("it is one record") {
            CHECK(server.out.size() == 5 + 16'384 + 17);  // header; inner type and tag (RFC 8446 §5.2)
            client.hear(server.out);
            CHECK(client.read() == std::string(16'384, 'y'));
        }
    }
    WHEN("the client says goodbye") {
        client.close();
        CHECK(server.read(client.say()).empty());
        CHECK(server.last == Step::Closed);
    }
    WHEN("the server says goodbye") {
        server.out.clear();
        server.channel.close_notify();
        client.hear(server.out);
        client.read();
        CHECK(client.closed());
    }
    WHEN("a record was changed on its way") {
        client.write("hello");
        std::string record = client.say();
        record.back() = static_cast<char>(record.back() ^ 1);
        CHECK(server.read(record).empty());
        CHECK(server.last == Step::Failed);
    }
}

SCENARIO("a client changes its keys") {  // RFC 8446 §4.6.3
    const Certified certified;
    Server server(certified.context);
    TlsClient client(kBoth);
    REQUIRE(server.shake(client));
    const auto update = [&](int times) {
        for (int i = 0; i < times; ++i) {
            REQUIRE(SSL_key_update(client.native(), SSL_KEY_UPDATE_REQUESTED) == 1);
            REQUIRE(client.handshake());
        }
    };
    WHEN("it does so now and then") {
        for (int i = 0; i < 64; ++i) {
            update(1);
            client.write("data");
            REQUIRE(server.read(client.say()) == "data");
            server.channel.write("answer");
            client.hear(std::exchange(server.out, {}));
            CHECK(client.read() == "answer");
        }
        THEN("once more than it may is too much") {
            update(1);
            client.write("data");
            CHECK(server.read(client.say()).empty());
            CHECK(server.last == Step::TooManyUpdates);
        }
    }
    WHEN("it sends nothing else") {
        update(1'000);
        server.out.clear();
        CHECK(server.read(client.say()).empty());
        THEN("what comes after the limit is not even read") {
            CHECK(server.last == Step::TooManyUpdates);
            CHECK(server.out.size() < 65 * 50);  // an answer per update at most
        }
    }
}

TEST_CASE("renegotiation is refused, and a client that insists is too") {  // RFC 9113 §9.2.1
    const Certified certified;
    Server server(certified.context);
    TlsClient client("\x08http/1.1", TLS1_2_VERSION);
    REQUIRE(server.shake(client));
    SSL_renegotiate(client.native());
    client.handshake();
    CHECK(server.read(client.say()).empty());
    client.hear(std::exchange(server.out, {}));
    CHECK(!client.handshake());
    for (int i = 0; i < 200 && server.last == Step::NeedsInput; ++i) {
        SSL_renegotiate(client.native());
        client.handshake();
        const std::string said = client.say();
        if (said.empty()) break;  // OpenSSL's client has given up
        server.read(said);
        client.hear(std::exchange(server.out, {}));
    }
    CHECK(server.last != Step::Done);
}

TEST_CASE("records without meaning end a handshake") {  // RFC 8446 §5: change_cipher_spec is ignored, but not for ever
    const Certified certified;
    Server server(certified.context);
    TlsClient client(kBoth);
    client.handshake();
    std::string said = client.say();
    for (int i = 0; i < 100; ++i) said += std::string("\x14\x03\x03\x00\x01\x01", 6);
    server.channel.set_input(said);
    CHECK(server.channel.handshake() == Step::Failed);
}

SCENARIO("a client comes back with a ticket") {  // RFC 8446 §2.2, RFC 5077
    const Certified certified;
    const auto visit = [](const net::TlsContextPtr& context, int version, SSL_SESSION* session) {
        Server server(context);
        TlsClient client(kBoth, version);
        if (session) SSL_set_session(client.native(), session);
        REQUIRE(server.shake(client));
        client.hear(std::exchange(server.out, {}));
        client.read();   // takes the ticket
        client.close();  // an end without is no reason for OpenSSL to come back
        return std::pair(SSL_session_reused(client.native()) == 1, SSL_get1_session(client.native()));
    };
    const auto load = [&](std::shared_ptr<net::TicketKeys> keys) {
        return *TlsContext::load(certified.files.certificate, certified.files.key, {.ticket_keys = std::move(keys)});
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SteadyTime now{};
        const auto keys = std::make_shared<net::TicketKeys>([&] { return now; });
        auto [resumed, session] = visit(load(keys), version, nullptr);
        CHECK(!resumed);
        CHECK(SSL_SESSION_get_max_early_data(session) == 0);  // 0-RTT is off
        CHECK(SSL_SESSION_get_ticket_lifetime_hint(session) == 12 * 3600);
        const auto comes_back = [&](const net::TlsContextPtr& context) {
            auto [again, other] = visit(context, version, session);
            SSL_SESSION_free(other);
            return again;
        };
        // TLS 1.3 says to use a ticket once; OpenSSL leaves that to the client.
        CHECK(comes_back(load(keys)));  // after a reload
        now += std::chrono::hours(23);
        CHECK(comes_back(load(keys)));  // after the keys have changed
        now += std::chrono::hours(1);
        CHECK(!comes_back(load(keys)));
        CHECK(!comes_back(load(std::make_shared<net::TicketKeys>())));  // another server's
        SSL_SESSION_free(session);
    }
}

TEST_CASE("what cannot be loaded says which file and why") {
    const Certified certified;
    const auto missing = TlsContext::load("/no/such/cert.pem", certified.files.key);
    REQUIRE(!missing);
    CHECK(missing.error().kind == ErrorKind::BadRequest);
    CHECK(missing.error().detail.find("/no/such/cert.pem") != std::string::npos);

    const auto no_key = TlsContext::load(certified.files.certificate, "/no/such/key.pem");
    REQUIRE(!no_key);
    CHECK(no_key.error().detail.find("/no/such/key.pem") != std::string::npos);

    const Certified other;
    const auto foreign = TlsContext::load(certified.files.certificate, other.files.key);
    REQUIRE(!foreign);
    CHECK(foreign.error().detail.find(other.files.key) != std::string::npos);
}
