// A client that opens TLS 1.3 connections, for what h2load cannot: resumed handshakes, and connections that stay idle.
//
//     connections handshakes PORT full|resumed SECONDS
//     connections idle PORT
//
// `handshakes` keeps 16 under way. Each ends when the server's first frame has arrived, so that both sides are done, and is
// closed in order. A server that gives no new ticket on resumption sees the old one again. It prints `begin` once it is warm,
// `end` when the time is over, and then a JSON object: handshakes, failed, seconds, p50 and p99 in µs.
//
// `idle` reads from its input how many connections there should be, opens those that are missing, each with one request for
// /1k.bin over HTTP/2, prints {"open": …, "failed": …} where `open` counts the connections that the server has not closed, and
// waits for the next number.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::string_view_literals;
using Clock = std::chrono::steady_clock;
constexpr int kLanes = 16;

struct Connection {
    int fd = -1;
    SSL* ssl = nullptr;
    SSL_SESSION* ticket = nullptr;  // the newest, of this connection or one before it
    bool answered = false, refused = false;
    std::string_view words{};  // to say first
    std::string frames{};
    Clock::time_point begun{};
};

int poll_fd;
SSL_CTX* context;
std::uint16_t port;

[[noreturn]] void stop(const char* what) {
    std::perror(what);
    std::exit(1);
}

int keep_ticket(SSL* ssl, SSL_SESSION* session) {
    auto& connection = *static_cast<Connection*>(SSL_get_app_data(ssl));
    SSL_SESSION_free(connection.ticket);
    connection.ticket = session;
    return 1;  // ours now
}

void make_context() {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
}

// Preface, SETTINGS, their acknowledgement, and GET https://localhost/1k.bin (RFC 9113 §3.4, RFC 7541 §6.1, §6.2.2).
constexpr auto kRequest =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0\0\0\x16\1\5\0\0\0\1"
    "\x82\x87\1\x09localhost\4\7/1k.bin"sv;
static_assert(kRequest.size() == 24 + 9 + 9 + 9 + 22);
constexpr auto kGreeting = kRequest.substr(0, 24 + 9 + 9);

// Says the connection's words once TLS is done, which may be as soon as it has been begun.
void speak(Connection& connection) {
    if (!SSL_is_init_finished(connection.ssl) || connection.words.empty()) return;
    SSL_write(connection.ssl, connection.words.data(), static_cast<int>(connection.words.size()));
    connection.words = {};
}

// Connecting blocks: on the loopback it is done when the call returns.
void open_connection(Connection& connection, std::string_view words, SSL_SESSION* resume = nullptr) {
    connection.begun = Clock::now();
    connection.fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    if (connection.fd < 0 || connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        stop("connections: connect");
    const int on = 1;
    if (ioctl(connection.fd, FIONBIO, &on) != 0) stop("connections: ioctl");
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection.ssl = SSL_new(context);
    connection.words = words;
    connection.answered = connection.refused = false;
    SSL_set_fd(connection.ssl, connection.fd);
    SSL_set_app_data(connection.ssl, &connection);
    SSL_set_connect_state(connection.ssl);
    if (resume != nullptr) {  // a copy: OpenSSL lets a session be resumed once
        SSL_SESSION* copy = SSL_SESSION_dup(resume);
        SSL_set_session(connection.ssl, copy);
        SSL_SESSION_free(copy);
    }
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection.fd, &event);
    SSL_do_handshake(connection.ssl);  // says ClientHello
    speak(connection);
}

void close_connection(Connection& connection) {
    SSL_shutdown(connection.ssl);
    SSL_free(connection.ssl);
    close(connection.fd);
    connection.fd = -1;
}

// Appends what has arrived to `frames`; false when the connection has ended.
bool receive(Connection& connection) {
    char buffer[16384];
    for (;;) {
        const int size = SSL_read(connection.ssl, buffer, sizeof buffer);
        if (size > 0)
            connection.frames.append(buffer, static_cast<std::size_t>(size));
        else
            return SSL_get_error(connection.ssl, size) == SSL_ERROR_WANT_READ;
    }
}

template <typename Arrived>  // void(Connection&, bool alive)
void turn(Arrived&& arrived) {
    epoll_event events[kLanes];
    const int ready = epoll_wait(poll_fd, events, kLanes, 10000);
    if (ready <= 0) stop("connections: the server is silent");
    for (int i = 0; i < ready; ++i) {
        auto& connection = *static_cast<Connection*>(events[i].data.ptr);
        const bool alive = receive(connection);
        if (alive) speak(connection);
        arrived(connection, alive);
    }
}

// --- handshakes

struct Tally {
    std::vector<double> microseconds{};
    int failed = 0;
};

// Runs until `until`; a lane that finishes a handshake begins the next.
Tally shake(std::vector<Connection>& lanes, bool resume, Clock::time_point until) {
    Tally tally;
    int open = 0;
    const auto begin = [&](Connection& lane) {
        open_connection(lane, kGreeting, resume ? lane.ticket : nullptr);
        ++open;
    };
    const bool primed = lanes.front().ticket != nullptr;
    for (Connection& lane : lanes) begin(lane);
    while (open > 0)
        turn([&](Connection& lane, bool alive) {
            if (alive && lane.frames.empty()) return;
            const bool good = !lane.frames.empty() && (!resume || !primed || SSL_session_reused(lane.ssl));
            tally.microseconds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - lane.begun).count());
            tally.failed += good ? 0 : 1;
            close_connection(lane);
            lane.frames.clear();
            --open;
            if (Clock::now() < until) begin(lane);
        });
    return tally;
}

int handshakes(bool resume, double seconds) {
    std::vector<Connection> lanes(kLanes);
    shake(lanes, resume, Clock::now());  // one each: tickets for all lanes, and a warm server
    std::cout << "begin" << std::endl;
    const auto start = Clock::now();
    auto [times, failed] =
        shake(lanes, resume, start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    std::cout << "end" << std::endl;
    for (Connection& lane : lanes) SSL_SESSION_free(lane.ticket);
    std::ranges::sort(times);
    std::printf(R"({"handshakes": %zu, "failed": %d, "seconds": %.6f, "p50": %.1f, "p99": %.1f})", times.size(), failed, took,
                times[times.size() / 2], times[times.size() * 99 / 100]);
    return 0;
}

// --- idle

std::size_t frame_size(std::string_view frame) {
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<std::uint8_t>(frame[at])); };
    return 9 + (byte(0) << 16 | byte(1) << 8 | byte(2));
}

// Takes whole frames from `frames`; says when stream 1 has ended, and when it was not a 200.
void read_answer(Connection& connection) {
    std::string_view rest = connection.frames;
    static constexpr char kHeaders = 1, kEndStream = 1;
    while (rest.size() >= 9 && rest.size() >= frame_size(rest)) {
        std::string_view block = rest.substr(9, frame_size(rest) - 9);
        while (rest[3] == kHeaders && !block.empty() && (block[0] & 0xe0) == 0x20)
            block.remove_prefix(1);  // size updates of the table
        if (rest[3] == kHeaders && !block.starts_with('\x88')) connection.refused = true;
        if (rest[3] <= kHeaders && (rest[4] & kEndStream) != 0) connection.answered = true;
        rest.remove_prefix(frame_size(rest));
    }
    connection.frames = std::string(rest);
}

bool is_open(const Connection& connection) {
    char byte;
    const auto got = recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

int idle() {
    std::vector<std::unique_ptr<Connection>> all;
    int failed = 0;
    for (std::size_t wanted; std::cin >> wanted;) {
        int under_way = 0;
        while (all.size() < wanted || under_way > 0) {
            for (; under_way < kLanes && all.size() < wanted; ++under_way)
                open_connection(*all.emplace_back(std::make_unique<Connection>()), kRequest);
            turn([&](Connection& connection, bool alive) {
                read_answer(connection);
                if (alive && !connection.answered) return;
                failed += connection.answered && !connection.refused ? 0 : 1;
                epoll_ctl(poll_fd, EPOLL_CTL_DEL, connection.fd, nullptr);
                --under_way;
            });
        }
        const auto open = std::ranges::count_if(all, [](const auto& connection) { return is_open(*connection); });
        std::cout << R"({"open": )" << open << R"(, "failed": )" << failed << "}" << std::endl;
    }
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string_view> words(arguments, arguments + count);
    std::signal(SIGPIPE, SIG_IGN);
    poll_fd = epoll_create1(0);
    make_context();
    if (count >= 3) port = static_cast<std::uint16_t>(std::atoi(arguments[2]));
    if (count == 5 && words[1] == "handshakes") return handshakes(words[3] == "resumed", std::atof(arguments[4]));
    if (count == 3 && words[1] == "idle") return idle();
    std::fprintf(stderr, "connections handshakes PORT full|resumed SECONDS | connections idle PORT\n");
    return 2;
}
