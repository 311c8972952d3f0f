#include "server/upgrade/inheritance.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "config/loader.h"

namespace selvage::upgrade {

namespace {

// Where a socket is bound; the scheme is not the socket's to know.
struct Place {
    std::string host;  // in one spelling for each address
    std::uint16_t port = 0;
    friend bool operator==(const Place&, const Place&) = default;
};

template <typename Address>
std::string spelled(int family, const Address& address) {
    char text[INET6_ADDRSTRLEN] = {};
    return inet_ntop(family, &address, text, sizeof text) ? text : "";
}

Place place_of(const FileDescriptor& socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length);
    if (address.ss_family == AF_INET6) {
        const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
        return {.host = spelled(AF_INET6, six.sin6_addr), .port = ntohs(six.sin6_port)};
    }
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    return {.host = spelled(AF_INET, four.sin_addr), .port = ntohs(four.sin_port)};
}

Place place_of(const config::Endpoint& endpoint) {
    in6_addr six{};
    in_addr four{};
    if (inet_pton(AF_INET6, endpoint.host.c_str(), &six) == 1) return {.host = spelled(AF_INET6, six), .port = endpoint.port};
    if (inet_pton(AF_INET, endpoint.host.c_str(), &four) == 1) return {.host = spelled(AF_INET, four), .port = endpoint.port};
    return {.host = endpoint.host, .port = endpoint.port};
}

bool listens(int descriptor) {
    int listening = 0;
    socklen_t length = sizeof listening;
    return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening == 1;
}

}  // namespace

Result<Inheritance> Inheritance::take() {
    const char* value = std::getenv(std::string(kVariable).c_str());
    if (!value) return Inheritance();
    auto taken = parse(value);
    unsetenv(std::string(kVariable).c_str());
    return taken;
}

Result<Inheritance> Inheritance::parse(std::string_view value) {
    Inheritance all;
    while (!value.empty()) {
        const std::string_view entry = value.substr(0, value.find(' '));
        value.remove_prefix(std::min(entry.size() + 1, value.size()));
        TRY(all.add(entry));
    }
    if (all.empty()) return fail(ErrorKind::BadRequest, fmt::format("{}: expected an entry '{}'", kVariable, kReady));
    return all;
}

Result<void> Inheritance::add(std::string_view entry) {
    const auto wrong = [&](std::string_view why) {
        return fail(ErrorKind::BadRequest, fmt::format("{}: '{}' {}", kVariable, entry, why));
    };
    int number = -1;
    const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), number);
    if (error != std::errc{} || end == entry.data() + entry.size() || *end != '=') return wrong("is not DESCRIPTOR=WHAT");
    const std::string_view what = entry.substr(static_cast<std::size_t>(end - entry.data()) + 1);
    // Not for the programs that we start in turn.
    if (number <= STDERR_FILENO || fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return wrong("is not open");
    if (what == kReady) {
        ready_.reset(number);
        return {};
    }
    if (!listens(number)) return wrong("is not a listening socket");
    sockets_.push_back({.what = std::string(what), .socket = FileDescriptor(number)});
    return {};
}

std::vector<FileDescriptor> Inheritance::take_sockets(const config::Endpoint& endpoint) {
    const std::string configured = config::to_string(endpoint);
    const Place wanted = place_of(endpoint);
    const auto first = std::ranges::find_if(sockets_, [&](const Entry& entry) {
        return entry.what != kAdmin && (endpoint.port == 0 ? entry.what == configured : place_of(entry.socket) == wanted);
    });
    if (first == sockets_.end()) return {};
    // With port 0 twice in the configuration, the same words stand for two places.
    const Place place = place_of(first->socket);
    std::vector<FileDescriptor> taken;
    std::erase_if(sockets_, [&](Entry& entry) {
        if (entry.what == kAdmin || place_of(entry.socket) != place) return false;
        taken.push_back(std::move(entry.socket));
        return true;
    });
    return taken;
}

std::optional<FileDescriptor> Inheritance::take_admin(const config::Endpoint& endpoint) {
    const Place wanted = place_of(endpoint);
    const auto found = std::ranges::find_if(sockets_, [&](const Entry& entry) {
        const Place place = place_of(entry.socket);
        return entry.what == kAdmin && place.host == wanted.host && (endpoint.port == 0 || place.port == wanted.port);
    });
    if (found == sockets_.end()) return std::nullopt;
    FileDescriptor socket = std::move(found->socket);
    sockets_.erase(found);
    return socket;
}

void Inheritance::tell_ready() { tell(fmt::format("{} {}\n", kReady, ::getpid())); }

void Inheritance::tell_failed(std::string_view reason) { tell(fmt::format("{}\n{}", kFailed, reason)); }

// At most a few KiB into an empty pipe: it neither blocks nor is it cut. A predecessor that has gone does not matter any more.
void Inheritance::tell(std::string_view message) {
    if (!ready_) return;
    [[maybe_unused]] const ssize_t written = ::write(ready_.number(), message.data(), message.size());
    ready_.reset();
    sockets_.clear();
}

}  // namespace selvage::upgrade
