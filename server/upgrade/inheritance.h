#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "config/config.h"

namespace selvage::upgrade {

// How a server tells its successor what it has inherited, in its environment:
//
//   SELVAGE_SOCKETS = entry *( " " entry )
//   entry           = descriptor "=" what
//   what            = "ready"     ; a pipe: the predecessor waits there for a message
//                   / "admin"     ; the socket of the admin listener
//                   / endpoint    ; a listening socket, as its endpoint was configured: "https://127.0.0.1:0"
//   message         = "ready " process-id LF    ; it serves
//                   / "failed" LF reason        ; until the end of the pipe, a line per mistake
inline constexpr std::string_view kVariable = "SELVAGE_SOCKETS";
inline constexpr std::string_view kReady = "ready";
inline constexpr std::string_view kAdmin = "admin";
inline constexpr std::string_view kFailed = "failed";

// What a predecessor has left. A socket that is shared with it keeps its queue whoever of the two closes it first: only when both
// have closed it are waiting connections reset.
class Inheritance {
public:
    // Takes what the environment names, and its name out of the environment; empty without it. Before threads are started.
    // Errors: BadRequest when what is named is not a listening socket.
    static Result<Inheritance> take();
    static Result<Inheritance> parse(std::string_view value);

    bool empty() const { return !ready_; }

    // The sockets of an endpoint, one per loop of the predecessor; none when it did not listen there. Each is given once.
    std::vector<FileDescriptor> take_sockets(const config::Endpoint& endpoint);
    std::optional<FileDescriptor> take_admin(const config::Endpoint& endpoint);

    // To the predecessor, once: it stops accepting, or goes on. What was not taken is closed.
    void tell_ready();
    void tell_failed(std::string_view reason);

private:
    struct Entry {
        std::string what;
        FileDescriptor socket;
    };
    Result<void> add(std::string_view entry);
    void tell(std::string_view message);

    std::vector<Entry> sockets_;
    FileDescriptor ready_;
};

}  // namespace selvage::upgrade
