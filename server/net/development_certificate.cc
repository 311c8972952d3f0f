#include "server/net/development_certificate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace selvage::net {

namespace {

template <auto Free>
struct With {
    template <typename Object>
    void operator()(Object* object) const {
        Free(object);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, With<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, With<X509_free>>;

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

bool still_good(const CertificateFiles& files, WallTime now) {
    const FilePtr certificate_file(std::fopen(files.certificate.c_str(), "re"));
    const FilePtr key_file(std::fopen(files.key.c_str(), "re"));
    if (!certificate_file || !key_file) return false;
    const CertificatePtr certificate(PEM_read_X509(certificate_file.get(), nullptr, nullptr, nullptr));
    const KeyPtr key(PEM_read_PrivateKey(key_file.get(), nullptr, nullptr, nullptr));
    if (!certificate || !key || X509_check_private_key(certificate.get(), key.get()) != 1) return false;
    std::time_t tomorrow = (now + std::chrono::days(1)).time_since_epoch().count();
    return X509_cmp_time(X509_get0_notAfter(certificate.get()), &tomorrow) > 0;
}

void add_extension(X509* certificate, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    if (X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value)) {
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

CertificatePtr make_certificate(EVP_PKEY* key, WallTime now) {
    CertificatePtr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    std::uint64_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
    const std::time_t start = (now - std::chrono::hours(1)).time_since_epoch().count();
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), start);
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), start + 365 * 86'400);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("Selvage development"), -1, -1,
                               0);
    X509_set_issuer_name(certificate.get(), name);
    add_extension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
    if (X509_sign(certificate.get(), key, EVP_sha256()) == 0) return nullptr;
    return certificate;
}

// Through a temporary name, so that a reader never meets half of it.
template <typename Write>
bool write_file(const std::string& path, mode_t mode, Write write) {
    const std::string temporary = path + ".tmp";
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0) return false;
    ::fchmod(descriptor, mode);  // one that was left over may have another
    FilePtr file(::fdopen(descriptor, "w"));
    const bool written = write(file.get()) == 1 && std::fflush(file.get()) == 0;
    file.reset();
    return written && std::rename(temporary.c_str(), path.c_str()) == 0;
}

}  // namespace

Result<CertificateFiles> development_certificate(const std::string& folder, WallTime now) {
    CertificateFiles files{.certificate = folder + "/dev-cert.pem", .key = folder + "/dev-key.pem"};
    if (still_good(files, now)) return files;

    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr certificate = key ? make_certificate(key.get(), now) : nullptr;
    if (!certificate) return fail(ErrorKind::Internal, "OpenSSL cannot make a development certificate");
    const bool written =
        write_file(
            files.key, 0600,
            [&](std::FILE* file) { return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }) &&
        write_file(files.certificate, 0644, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
    if (!written) {
        return fail(ErrorKind::Internal,
                    fmt::format("cannot write the development certificate in {}: {}", folder, std::strerror(errno)));
    }
    files.made = true;
    return files;
}

}  // namespace selvage::net
