#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "server/loop/loop.h"

namespace selvage::loop {

// A child program with a socket at its descriptor 3, stdin and stdout on /dev/null, stderr inherited, an empty environment.
//
// Dropping it kills the child (SIGKILL); libuv reaps it.
class Process {
public:
    // `exited(status, signal)` runs once on the loop, not after the destructor.
    // Errors: Internal when the program cannot be started.
    static Result<std::unique_ptr<Process>> spawn(Loop& loop, const std::string& program,
                                                  const std::vector<std::string>& arguments, FileDescriptor child_socket,
                                                  std::move_only_function<void(int, int)> exited);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    int id() const;
    void kill();

private:
    Process();
    struct Native;
    std::move_only_function<void(int, int)> exited_;
    std::unique_ptr<Native> native_;
};

}  // namespace selvage::loop
