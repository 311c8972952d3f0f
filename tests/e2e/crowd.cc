// Many clients at once, in one process: COUNT connections of HTTP/2 over TLS that each ask for PATH when told to, and otherwise
// say nothing.
//
//   e2e_crowd PORT COUNT PATH
//
// A line on stdin ("go") lets each connection ask once, 200 at a time; the first opens them. With "together" all ask at once.
// When all have their answers a line on stdout says so: "answered COUNT". It ends with stdin. Whatever goes wrong is said on
// stderr; exit status 1.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

// At once: more would only wait in the server's queue, and its deadline for handshakes is 10 seconds.
constexpr std::size_t kUnderWay = 200;
constexpr std::size_t kFrameHeader = 9;
constexpr std::uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kGoAway = 7;  // RFC 9113 §6
constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

[[noreturn]] void give_up(const std::string& why) {
    std::cerr << "crowd: " << why << ": " << std::strerror(errno) << '\n';
    std::exit(1);
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
    std::string bytes(kFrameHeader, '\0');
    bytes[1] = static_cast<char>(payload.size() >> 8);
    bytes[2] = static_cast<char>(payload.size());
    bytes[3] = static_cast<char>(type);
    bytes[4] = static_cast<char>(flags);
    for (int i = 0; i < 4; ++i) bytes[5 + i] = static_cast<char>(stream >> (24 - 8 * i));
    return bytes.append(payload);
}

std::string request(std::uint32_t stream, std::string_view path) {
    constexpr std::string_view kAuthority = "127.0.0.1";
    std::string block = "\x82\x87\x04";  // GET, https, and names of the static table with literal values: RFC 7541 appendix A
    block.append(1, static_cast<char>(path.size())).append(path);
    block.append("\x01").append(1, static_cast<char>(kAuthority.size())).append(kAuthority);
    return frame(kHeaders, kEndHeaders | kEndStream, stream, block);
}

struct Free {
    void operator()(SSL* tls) const { SSL_free(tls); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

SSL_CTX* make_context() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    constexpr std::array<unsigned char, 3> kH2 = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context, kH2.data(), kH2.size());
    return context;
}

// One of the crowd.
class Visitor {
public:
    Visitor(SSL_CTX* context, std::uint16_t port, int epoll)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), tls_(SSL_new(context)) {
        if (socket_ < 0) give_up("socket");
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
            give_up("connect");
        }
        SSL_set_fd(tls_.get(), socket_);
        SSL_set_connect_state(tls_.get());
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = this}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket_, &event);
        said_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0);
    }
    ~Visitor() { ::close(socket_); }
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;

    void ask(std::string_view path) {
        stream_ += 2;
        status_seen_ = false;
        said_ += request(stream_, path);
    }

    // Does what can be done now. True when the answer asked for has just ended.
    bool advance() {
        if (!SSL_is_init_finished(tls_.get()) && !succeeded(SSL_do_handshake(tls_.get()))) return false;
        flush();
        bool answered = false;
        std::array<char, 16'384> block;
        for (int size; succeeded(size = SSL_read(tls_.get(), block.data(), block.size()));) {
            heard_.append(block.data(), static_cast<std::size_t>(size));
            answered |= take_frames();
        }
        flush();                                     // SETTINGS want to be acknowledged
        if (heard_.empty()) heard_.shrink_to_fit();  // idle for a long time, with thousands of others
        return answered;
    }

private:
    void flush() {
        while (!said_.empty()) {
            const int size = SSL_write(tls_.get(), said_.data(), static_cast<int>(said_.size()));
            if (!succeeded(size)) break;
            said_.erase(0, static_cast<std::size_t>(size));
        }
    }

    bool succeeded(int result) const {
        if (result > 0) return true;
        const int error = SSL_get_error(tls_.get(), result);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
        std::array<char, 256> reason{};
        ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
        give_up(std::string("the connection ended (") + reason.data() + ")");
    }

    bool take_frames() {
        bool answered = false;
        while (heard_.size() >= kFrameHeader) {
            const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(heard_[at]); };
            const std::size_t size = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
            if (heard_.size() < kFrameHeader + size) break;
            answered |= take(byte(3), byte(4), std::string_view(heard_).substr(kFrameHeader, size));
            heard_.erase(0, kFrameHeader + size);
        }
        return answered;
    }

    bool take(std::uint8_t type, std::uint8_t flags, std::string_view payload) {
        if (type == kReset || type == kGoAway) give_up("refused by RST_STREAM or GOAWAY");
        if (type == kSettings && (flags & kAck) == 0) said_ += frame(kSettings, kAck, 0);
        if (type == kHeaders) {
            while (!payload.empty() && (payload.front() & 0xe0) == 0x20) payload.remove_prefix(1);  // a size update
            status_seen_ = payload.starts_with('\x88');                                             // :status 200
        }
        if ((type != kHeaders && type != kData) || (flags & kEndStream) == 0) return false;
        if (!status_seen_) give_up("an answer that is not 200");
        return true;
    }

    const int socket_;
    const std::unique_ptr<SSL, Free> tls_;
    std::uint32_t stream_ = static_cast<std::uint32_t>(-1);  // the next is 1
    bool status_seen_ = false;
    std::string said_, heard_;
};

class Crowd {
public:
    Crowd(std::uint16_t port, std::size_t count, std::string path) : port_(port), count_(count), path_(std::move(path)) {
        if (epoll_ < 0) give_up("epoll");
    }

    // Each asks once, so many at a time.
    void go(std::size_t at_once) {
        std::size_t begun = 0, answered = 0;
        while (answered < count_) {
            while (begun < count_ && begun - answered < at_once) answered += begin(begun++);
            if (answered < count_) answered += wait();
        }
        std::cout << "answered " << answered << std::endl;
    }

private:
    bool begin(std::size_t index) {
        if (index == visitors_.size()) visitors_.push_back(std::make_unique<Visitor>(context_.get(), port_, epoll_));
        visitors_[index]->ask(path_);
        return visitors_[index]->advance();
    }

    std::size_t wait() {
        std::array<epoll_event, 256> events;
        constexpr int kPatience = 60'000;  // milliseconds
        const int ready = ::epoll_wait(epoll_, events.data(), events.size(), kPatience);
        if (ready <= 0) give_up("no answer for a minute");
        std::size_t answered = 0;
        for (int i = 0; i < ready; ++i)
            answered += static_cast<Visitor*>(events[static_cast<std::size_t>(i)].data.ptr)->advance();
        return answered;
    }

    const std::uint16_t port_;
    const std::size_t count_;
    const std::string path_;
    const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    const std::unique_ptr<SSL_CTX, Free> context_{make_context()};
    std::vector<std::unique_ptr<Visitor>> visitors_;
};

}  // namespace

int main(int count, char** words) {
    if (count != 4) {
        std::cerr << "usage: e2e_crowd PORT COUNT PATH\n";
        return 2;
    }
    rlimit descriptors{};
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    Crowd crowd(static_cast<std::uint16_t>(std::atoi(words[1])), std::strtoul(words[2], nullptr, 10), words[3]);
    for (std::string line; std::getline(std::cin, line);) crowd.go(line == "together" ? std::string::npos : kUnderWay);
    return 0;
}
