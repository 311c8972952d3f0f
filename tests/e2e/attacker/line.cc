#include "tests/e2e/attacker/line.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tests/e2e/attacker/client_hello.h"
#include "tests/e2e/attacker/frames.h"

namespace attacker {
namespace {

using Manner = Attack::Manner;

constexpr std::array<unsigned char, 3> kAlpnHttp2 = {2, 'h', '2'};
constexpr std::array<unsigned char, 9> kAlpnHttp1 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::size_t kSip = 30;     // bytes that a slow reader takes at a time: 100 per second
constexpr std::size_t kBatches = 8;  // said in a row, before other lines have their turn

bool is_http2(const Attack& attack) {
    return attack.transport == Transport::TlsHttp2 || attack.transport == Transport::PlainHttp2;
}
bool is_tls(const Attack& attack) {
    return attack.manner != Manner::NoHandshake &&
           (attack.transport == Transport::Tls || attack.transport == Transport::TlsHttp2);
}

sockaddr_in address(std::uint32_t host, std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    result.sin_addr.s_addr = htonl(host);
    return result;
}

void set(int socket, int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); }

}  // namespace

Context make_context() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return Context(context);
}

std::string client_hello() {
    const Context context = make_context();
    const std::unique_ptr<SSL, Free> tls(SSL_new(context.get()));
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(tls.get(), BIO_new(BIO_s_mem()), out);
    SSL_set_alpn_protos(tls.get(), kAlpnHttp2.data(), kAlpnHttp2.size());
    SSL_set_connect_state(tls.get());
    SSL_do_handshake(tls.get());
    ERR_clear_error();
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

Line::Line(const Attack& attack, const Target& target, SSL_CTX* context, std::uint64_t seed)
    : attack_(attack),
      script_{.path = target.path, .chance = std::mt19937_64(seed)},
      socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      heard_(is_http2(attack)) {
    set(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (attack.reading != Reading::Everything) set(socket_, SOL_SOCKET, SO_RCVBUF, 4'096);
    const sockaddr_in here = address(target.from, 0), there = address(INADDR_LOOPBACK, target.port);
    if (target.from != 0 && ::bind(socket_, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) end("refused");
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0 && errno != EINPROGRESS) end("refused");
    if (!is_tls(attack)) return;
    tls_.reset(SSL_new(context));
    const bool http2 = is_http2(attack);
    SSL_set_alpn_protos(tls_.get(), http2 ? kAlpnHttp2.data() : kAlpnHttp1.data(), http2 ? kAlpnHttp2.size() : kAlpnHttp1.size());
    SSL_set_fd(tls_.get(), socket_);
    SSL_set_connect_state(tls_.get());
}

Line::~Line() { ::close(socket_); }

short Line::events() const {
    if (!connected_) return POLLOUT;
    const bool handshake = tls_ && !begun_;
    int events = POLLRDHUP;
    if (handshake || attack_.reading == Reading::Everything) events |= POLLIN;
    const bool says_more = begun_ && !finished_ && attack_.more && attack_.pace.count() == 0;
    if (!unsent_.empty() || says_more) events |= POLLOUT;
    return static_cast<short>(events);
}

Clock::time_point Line::due() const {
    const bool paced = begun_ && attack_.pace.count() > 0 && unsent_.empty();
    return paced ? next_ : Clock::time_point::max();
}

void Line::advance(bool gone) {
    if (!connected_ && !connect()) return;
    if (gone && attack_.manner != Manner::Stubborn) return listen(true);
    if (!begun_) {
        if (tls_ && !shake_hands()) return;
        begin();
    }
    for (std::size_t i = 0; i < kBatches && !ended() && flush(); ++i) {
        if (finished_ || !attack_.more || Clock::now() < next_) break;
        say_more();
    }
    if (!ended() && attack_.reading != Reading::Nothing) listen(false);
}

bool Line::connect() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    if (error != 0)
        end("refused");
    else
        connected_ = ::getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &length) == 0;
    return connected_;
}

bool Line::shake_hands() {
    const int result = SSL_do_handshake(tls_.get());
    if (result == 1) return true;
    const int error = SSL_get_error(tls_.get(), result);
    ERR_clear_error();
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) end("refused");
    return false;
}

void Line::begin() {
    begun_ = true;
    next_ = Clock::now();
    const bool own_preface =
        attack_.manner == Manner::NoHandshake || attack_.manner == Manner::NoPreface || attack_.manner == Manner::HalfClose;
    if (is_http2(attack_) && !own_preface) unsent_ = std::string(kPreface) + frame(kSettings, kNone, 0, attack_.settings);
    if (attack_.begin) unsent_ += attack_.begin(script_);
}

// True when everything has been sent.
bool Line::flush() {
    while (!unsent_.empty()) {
        const long size = write(unsent_);
        if (size <= 0) {
            if (size < 0) listen(true);
            return false;
        }
        sent_ += static_cast<std::uint64_t>(size);
        unsent_.erase(0, static_cast<std::size_t>(size));
    }
    if (attack_.manner == Manner::HalfClose && !finished_) {
        finished_ = true;
        if (tls_) SSL_shutdown(tls_.get());
        ::shutdown(socket_, SHUT_WR);
    }
    return true;
}

void Line::say_more() {
    next_ = Clock::now() + attack_.pace;
    if (attack_.manner == Manner::KeyUpdates) {
        SSL_key_update(tls_.get(), SSL_KEY_UPDATE_REQUESTED);
        if (SSL_do_handshake(tls_.get()) == 1) sent_ += 27;  // a record of five bytes, with its tag
        ERR_clear_error();
    } else {
        unsent_ += attack_.more(script_);
    }
    ++script_.round;
}

void Line::listen(bool all) {
    std::array<char, 32'768> block;
    const bool slow = attack_.reading == Reading::Slowly && !all;
    if (slow && Clock::now() < next_) return;
    next_ = slow ? Clock::now() + attack_.pace : next_;
    const int most = slow ? 1 : all ? 1'000 : 16;
    for (int i = 0; i < most; ++i) {
        const long size = read(block.data(), slow ? kSip : block.size());
        if (size > 0) {
            received_ += static_cast<std::uint64_t>(size);
            heard_.take({block.data(), static_cast<std::size_t>(size)});
            if (attack_.ends_with_reset && heard_.reset()) return end("reset by the server");
        } else if (size < 0 && attack_.manner == Manner::Stubborn && !all) {
            return;  // what the server says is of no interest
        } else if (size < 0) {
            return end(errno == ECONNRESET || errno == EPIPE ? "reset" : "closed");
        } else {
            if (all) end("closed");
            return;
        }
    }
}

void Line::end(std::string_view how) {
    const bool unheard = sent_ == 0 && received_ == 0 && attack_.begin == nullptr;
    end_ = unheard ? "refused" : how;
    if (!heard_.last_word().empty()) end_ = heard_.last_word();
    if (attack_.ends_with_reset && heard_.reset()) {
        for (const auto& [word, count] : heard_.words()) {
            if (word.starts_with("RST_STREAM")) end_ = word;
        }
    }
}

// Bytes written, 0 when there is no room, -1 when the connection is over.
long Line::write(std::string_view bytes) {
    if (!tls_) {
        const long size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return size >= 0 ? size : errno == EAGAIN ? 0 : -1;
    }
    const int size = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (size > 0) return size;
    const int error = SSL_get_error(tls_.get(), size);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

// Bytes read, 0 when there are none now, -1 when the connection is over.
long Line::read(char* to, std::size_t size) {
    errno = 0;
    if (!tls_) {
        const long got = ::recv(socket_, to, size, 0);
        return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
    }
    const int got = SSL_read(tls_.get(), to, static_cast<int>(size));
    if (got > 0) return got;
    const int error = SSL_get_error(tls_.get(), got);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

}  // namespace attacker
