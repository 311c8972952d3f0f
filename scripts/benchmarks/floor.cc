// The least that this kernel and this OpenSSL allow: fixed answers from memory over TLS 1.3 and HTTP/2, and nothing else.
//
//     floor CERTIFICATE KEY PORT:BYTES…        each port answers every request with so many bytes
//
// epoll, a BIO of our own, no HTTP logic: a HEADERS frame is a request, whatever it says; flow control is kept, because without
// it no client gets far. Responses fill whole 16 KiB records, and what one read asked for leaves in one write of at most 256 KiB.
// It trusts its client, and must serve nobody else.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kRecord = 16384, kFrameHead = 9, kBatch = 256 << 10, kPreface = 24;
enum Frame : std::uint8_t { kData = 0, kHeaders = 1, kSettings = 4, kPing = 6, kWindowUpdate = 8 };
enum Flag : std::uint8_t { kEnd = 1, kAck = 1, kEndHeaders = 4 };

struct Stream {
    std::uint32_t id;
    std::int64_t window;
    std::size_t left;
    bool head_sent;
};

struct Answer {
    std::size_t size;
    std::string head;  // HPACK
};

struct Endpoint {
    int fd;
    const Answer& answer;
    SSL* ssl = nullptr;  // null: a listener
    std::size_t skip = kPreface;
    std::int64_t window = 65535, stream_window = 65535;
    std::deque<Stream> streams{};
    std::string partial{};  // the beginning of a frame
    std::string pending{};  // what the socket did not take
    bool greeted = false, waits_for_room = false;
};

int poll_fd;
SSL_CTX* context;
std::string body;
std::vector<char> read_buffer(64 << 10), plain(kRecord), record(kRecord), out;
std::size_t used = 0;       // of `record`
std::string_view incoming;  // what the BIO may still read of read_buffer

[[noreturn]] void stop(const char* what) {
    std::perror(what);
    std::exit(1);
}

std::uint32_t number(const char* at, int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
    return value;
}

// --- the BIO: reads from the slice that arrived, writes into the batch

int bio_read(BIO* bio, char* to, int wanted) {
    BIO_clear_retry_flags(bio);
    if (incoming.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const auto taken = std::min(incoming.size(), static_cast<std::size_t>(wanted));
    std::memcpy(to, incoming.data(), taken);
    incoming.remove_prefix(taken);
    return static_cast<int>(taken);
}

int bio_write(BIO*, const char* from, int size) {
    out.insert(out.end(), from, from + size);
    return size;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* bio_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "batch");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_create(method, [](BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    });
    return method;
}

// --- frames out

void seal(Endpoint& peer) {
    if (used > 0) SSL_write(peer.ssl, record.data(), static_cast<int>(used));
    used = 0;
}

void put(const void* bytes, std::size_t size) {
    if (size > 0) std::memcpy(record.data() + used, bytes, size);
    used += size;
}

void put_frame(Endpoint& peer, Frame type, int flags, std::uint32_t stream, std::string_view payload) {
    if (used + kFrameHead + payload.size() > kRecord) seal(peer);
    const auto size = payload.size();
    const std::uint8_t head[kFrameHead] = {static_cast<std::uint8_t>(size >> 16),   static_cast<std::uint8_t>(size >> 8),
                                           static_cast<std::uint8_t>(size),         type,
                                           static_cast<std::uint8_t>(flags),        static_cast<std::uint8_t>(stream >> 24),
                                           static_cast<std::uint8_t>(stream >> 16), static_cast<std::uint8_t>(stream >> 8),
                                           static_cast<std::uint8_t>(stream)};
    put(head, sizeof head);
    put(payload.data(), size);
}

// :status 200, content-length, content-type: literals without indexing (RFC 7541, §6.2.2).
std::string response_head(std::size_t size) {
    const std::string digits = std::to_string(size), type = "application/octet-stream";
    return std::string("\x88\x0f\x0d") + static_cast<char>(digits.size()) + digits + "\x0f\x10" + static_cast<char>(type.size()) +
           type;
}

// One frame of the stream; false when its windows are used up.
bool put_data(Endpoint& peer, Stream& stream) {
    if (kRecord - used <= 2 * kFrameHead) seal(peer);  // a frame of a few bytes is not worth its head
    const auto windows = std::min(peer.window, stream.window);
    if (windows <= 0) return false;
    const auto size = std::min({stream.left, kRecord - used - kFrameHead, static_cast<std::size_t>(windows)});
    const auto from = body.data() + (peer.answer.size - stream.left);
    stream.left -= size;
    stream.window -= static_cast<std::int64_t>(size);
    peer.window -= static_cast<std::int64_t>(size);
    put_frame(peer, kData, stream.left == 0 ? kEnd : 0, stream.id, {from, size});
    return true;
}

// Fills one batch; false when nothing is left that may be sent.
bool produce(Endpoint& peer) {
    for (std::size_t at = 0; at < peer.streams.size();) {
        Stream& stream = peer.streams[at];
        if (!stream.head_sent) put_frame(peer, kHeaders, kEndHeaders, stream.id, peer.answer.head);
        stream.head_sent = true;
        bool open = true;
        while (stream.left > 0 && open && out.size() < kBatch) open = put_data(peer, stream);
        if (stream.left == 0) {
            peer.streams.erase(peer.streams.begin() + static_cast<std::ptrdiff_t>(at));
        } else if (open) {
            return true;
        } else {
            ++at;
        }
        if (out.size() >= kBatch) return !peer.streams.empty();
    }
    return false;
}

// --- frames in

void window_update(Endpoint& peer, std::uint32_t id, std::uint32_t more) {
    if (id == 0) peer.window += more;
    for (Stream& stream : peer.streams)
        if (stream.id == id) stream.window += more;
}

void settings(Endpoint& peer, std::string_view payload) {
    for (; payload.size() >= 6; payload.remove_prefix(6))
        if (number(payload.data(), 2) == 4)
            peer.stream_window = number(payload.data() + 2, 4);  // before any request, in all clients we know
    put_frame(peer, kSettings, kAck, 0, {});
}

void frame(Endpoint& peer, std::uint8_t type, std::uint8_t flags, std::uint32_t id, std::string_view payload) {
    if (type == kHeaders) peer.streams.push_back({id, peer.stream_window, peer.answer.size, false});
    if (type == kWindowUpdate) window_update(peer, id, number(payload.data(), 4));
    if (type == kSettings && !(flags & kAck)) settings(peer, payload);
    if (type == kPing && !(flags & kAck)) put_frame(peer, kPing, kAck, 0, payload);
}

void parse(Endpoint& peer, std::string_view bytes) {
    if (!peer.partial.empty()) bytes = peer.partial.append(bytes);
    if (peer.skip > 0 && bytes.size() >= peer.skip) bytes.remove_prefix(std::exchange(peer.skip, 0));
    while (peer.skip == 0 && bytes.size() >= kFrameHead) {
        const std::size_t size = number(bytes.data(), 3);
        if (bytes.size() < kFrameHead + size) break;
        frame(peer, static_cast<std::uint8_t>(bytes[3]), static_cast<std::uint8_t>(bytes[4]), number(bytes.data() + 5, 4),
              bytes.substr(kFrameHead, size));
        bytes.remove_prefix(kFrameHead + size);
    }
    peer.partial = std::string(bytes);
}

// --- the socket

void close_peer(Endpoint* peer) {
    SSL_free(peer->ssl);
    close(peer->fd);
    delete peer;
}

// Whether the rest waits in `pending`; what is in `out` has been taken care of either way.
bool write_batch(Endpoint& peer) {
    const auto written = out.empty() ? 0 : write(peer.fd, out.data(), out.size());
    const auto taken = static_cast<std::size_t>(std::max<ssize_t>(written, 0));
    peer.pending.assign(out.data() + taken, out.size() - taken);
    out.clear();
    return !peer.pending.empty();
}

// At most two batches in one turn: a socket that takes everything must not keep the others waiting.
void pump(Endpoint& peer) {
    bool more = false;
    for (int turn = 0; turn < 2 && peer.pending.empty(); ++turn) {
        more = SSL_is_init_finished(peer.ssl) && produce(peer);
        seal(peer);
        if (write_batch(peer) || !more) break;
    }
    const bool waits = more || !peer.pending.empty();
    if (waits == peer.waits_for_room) return;
    peer.waits_for_room = waits;
    epoll_event event{.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = &peer}};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, peer.fd, &event);
}

bool readable(Endpoint& peer) {
    const auto got = read(peer.fd, read_buffer.data(), read_buffer.size());
    if (got <= 0) return got < 0 && errno == EAGAIN;
    incoming = {read_buffer.data(), static_cast<std::size_t>(got)};
    for (;;) {
        const int size = SSL_read(peer.ssl, plain.data(), static_cast<int>(plain.size()));
        // Our SETTINGS before anything that answers the client's first bytes, which may come with its Finished.
        if (SSL_is_init_finished(peer.ssl) && !std::exchange(peer.greeted, true)) put_frame(peer, kSettings, 0, 0, {});
        if (size <= 0) return SSL_get_error(peer.ssl, size) == SSL_ERROR_WANT_READ;
        parse(peer, {plain.data(), static_cast<std::size_t>(size)});
    }
}

bool writable(Endpoint& peer) {
    if (peer.pending.empty()) return true;
    const auto written = write(peer.fd, peer.pending.data(), peer.pending.size());
    if (written < 0) return errno == EAGAIN;
    peer.pending.erase(0, static_cast<std::size_t>(written));
    return true;
}

void serve(Endpoint* peer, std::uint32_t events) {
    out.clear();
    used = 0;
    bool alive = !(events & (EPOLLERR | EPOLLHUP));
    if (alive && (events & EPOLLOUT)) alive = writable(*peer);
    // While the socket is full nothing more is asked for: the sealed records must leave in their order.
    if (alive && (events & EPOLLIN) && peer->pending.empty()) alive = readable(*peer);
    if (!alive) return close_peer(peer);
    pump(*peer);
}

void watch(Endpoint* endpoint) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = endpoint}};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, endpoint->fd, &event);
}

void accept_all(const Endpoint& listener) {
    static BIO_METHOD* const method = bio_method();
    for (int fd; (fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto* peer = new Endpoint{.fd = fd, .answer = listener.answer, .ssl = SSL_new(context)};
        BIO* bio = BIO_new(method);
        SSL_set_bio(peer->ssl, bio, bio);
        SSL_set_accept_state(peer->ssl);
        watch(peer);
    }
}

void listen_on(std::uint16_t port, std::size_t size) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4096) != 0) stop("floor: listen");
    watch(new Endpoint{.fd = fd, .answer = *new Answer{size, response_head(size)}});  // for the life of the program
    if (body.size() < size) body.resize(size, 'x');
}

int choose_h2(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char*, unsigned, void*) {
    *chosen = reinterpret_cast<const unsigned char*>("h2");
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
}

void make_context(const char* certificate, const char* key) {
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set1_groups_list(context, "X25519");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_h2, nullptr);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        stop("floor: certificate");
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 4) return std::fprintf(stderr, "floor CERTIFICATE KEY PORT:BYTES...\n"), 2;
    std::signal(SIGPIPE, SIG_IGN);
    make_context(arguments[1], arguments[2]);
    poll_fd = epoll_create1(0);
    out.reserve(kBatch + 2 * kRecord);
    for (int i = 3; i < count; ++i) {
        char* size = nullptr;
        const auto port = static_cast<std::uint16_t>(std::strtoul(arguments[i], &size, 10));
        listen_on(port, std::strtoul(size + 1, nullptr, 10));
    }
    epoll_event events[256];
    for (;;) {
        const int ready = epoll_wait(poll_fd, events, 256, -1);
        for (int i = 0; i < ready; ++i) {
            auto* endpoint = static_cast<Endpoint*>(events[i].data.ptr);
            endpoint->ssl != nullptr ? serve(endpoint, events[i].events) : accept_all(*endpoint);
        }
    }
}
