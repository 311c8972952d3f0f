#include "server/net/development_certificate.h"

#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "server/net/tls.h"
#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::net;
using selvage::testing::TemporaryFolder;

namespace {

const WallTime kNow = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());

std::string content_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
std::unique_ptr<X509, FreeCertificate> parse(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "r");
    REQUIRE(file);
    std::unique_ptr<X509, FreeCertificate> certificate(PEM_read_X509(file, nullptr, nullptr, nullptr));
    std::fclose(file);
    REQUIRE(certificate);
    return certificate;
}

mode_t mode_of(const std::string& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 0777;
}

}  // namespace

SCENARIO("a certificate for development is made once") {
    TemporaryFolder folder;
    const std::string place = folder.path().string() + "/new/cache";
    const auto first = development_certificate(place, kNow);
    REQUIRE(first);
    CHECK(first->made);
    const std::string certificate = content_of(first->certificate), key = content_of(first->key);

    THEN("it names localhost and both loopback addresses, and nothing else") {  // RFC 9110 §4.3.4, RFC 9525
        const auto parsed = parse(first->certificate);
        CHECK(X509_check_host(parsed.get(), "localhost", 0, 0, nullptr) == 1);
        CHECK(X509_check_ip_asc(parsed.get(), "127.0.0.1", 0) == 1);
        CHECK(X509_check_ip_asc(parsed.get(), "::1", 0) == 1);
        CHECK(X509_check_host(parsed.get(), "example.org", 0, 0, nullptr) == 0);
        CHECK(X509_check_ip_asc(parsed.get(), "127.0.0.2", 0) == 0);
    }
    THEN("it is a server's, of P-256, valid now and for at most the year that browsers accept") {
        const auto parsed = parse(first->certificate);
        CHECK(X509_check_purpose(parsed.get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
        CHECK(X509_check_ca(parsed.get()) == 0);
        CHECK(EVP_PKEY_get_bits(X509_get0_pubkey(parsed.get())) == 256);
        CHECK(X509_cmp_current_time(X509_get0_notBefore(parsed.get())) < 0);
        int days = 0, seconds = 0;
        REQUIRE(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(parsed.get()), X509_get0_notAfter(parsed.get())) == 1);
        CHECK(days <= 398);
        CHECK(days >= 364);
    }
    THEN("only its owner can read the key") { CHECK(mode_of(first->key) == 0600); }
    THEN("it can be served") { CHECK(TlsContext::load(first->certificate, first->key)); }
    THEN("it is found again") {
        const auto again = development_certificate(place, kNow);
        REQUIRE(again);
        CHECK(!again->made);
        CHECK(content_of(again->certificate) == certificate);
        CHECK(content_of(again->key) == key);
    }
    THEN("it is made again before it ends") {
        CHECK(!development_certificate(place, kNow + std::chrono::days(360))->made);
        CHECK(development_certificate(place, kNow + std::chrono::days(364))->made);
        CHECK(content_of(first->certificate) != certificate);
    }
    WHEN("a file is missing, cut short or of another pair") {
        const auto remade = [&] {
            const auto again = development_certificate(place, kNow);
            return again && again->made && TlsContext::load(again->certificate, again->key).has_value();
        };
        std::filesystem::remove(first->key);
        CHECK(remade());
        std::filesystem::resize_file(first->certificate, 100);
        CHECK(remade());
        std::ofstream(first->key) << key;
        CHECK(remade());
        THEN("the key is still its owner's alone") { CHECK(mode_of(first->key) == 0600); }
    }
    WHEN("somebody left a readable temporary file") {
        const std::string other = folder.path().string() + "/other";
        std::filesystem::create_directories(other);
        std::ofstream(other + "/dev-key.pem.tmp") << "left over";
        std::filesystem::permissions(other + "/dev-key.pem.tmp", std::filesystem::perms(0644));
        const auto made = development_certificate(other, kNow);
        REQUIRE(made);
        THEN("the key does not inherit its mode") { CHECK(mode_of(made->key) == 0600); }
    }
}

TEST_CASE("a folder that cannot be written is an error that names it") {
    TemporaryFolder folder;
    const std::string file = folder.path().string() + "/file";
    std::ofstream(file) << "x";
    const auto made = development_certificate(file + "/below", kNow);
    REQUIRE(!made);
    CHECK(made.error().kind == ErrorKind::Internal);
    CHECK(made.error().detail.find(file) != std::string::npos);
}
