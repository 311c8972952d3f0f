#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "server/loop/loop.h"

namespace selvage::loop {

// A child program.
//
// Dropping it kills the child (SIGKILL), unless it was let go; libuv reaps it.
class Process {
public:
    using Exited = std::move_only_function<void(int status, int signal)>;

    struct Launch {
        std::string program;  // a path
        std::vector<std::string> arguments;
        std::vector<std::string> environment;  // "NAME=value"; the child has no other
        std::vector<int> descriptors;          // what the child has as 0, 1, 2, …; lent. kNull: /dev/null
    };
    static constexpr int kNull = -1;

    // `exited` runs once on the loop, not after the destructor; it may drop the process.
    // Errors: Internal when the program cannot be started.
    static Result<std::unique_ptr<Process>> start(Loop& loop, const Launch& launch, Exited exited);

    // A program with a socket at its descriptor 3, stdin and stdout on /dev/null, stderr inherited, an empty environment.
    static Result<std::unique_ptr<Process>> spawn(Loop& loop, const std::string& program,
                                                  const std::vector<std::string>& arguments, FileDescriptor child_socket,
                                                  Exited exited);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    int id() const;
    void kill();

    // It lives on by itself: it is neither killed nor waited for, and `exited` will not run.
    void let_go();

private:
    Process();
    struct Native;
    Exited exited_;
    std::unique_ptr<Native> native_;
};

}  // namespace selvage::loop
