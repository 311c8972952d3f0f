#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/loop/poll.h"
#include "server/loop/process.h"
#include "server/loop/timer.h"

namespace selvage::upgrade {

// The program that is to take over: started with our arguments, environment, stdin, stdout and stderr, and with copies of our
// listening sockets (see Inheritance). Until it says that it is ready, dropping this kills it; from then on it lives by itself.
class Successor {
public:
    struct Socket {
        std::string what;  // "admin" or the endpoint as it was configured
        int number = -1;   // lent, for start()
    };
    struct Start {
        std::string program;
        std::vector<std::string> arguments;
        std::vector<Socket> sockets;
        std::chrono::milliseconds patience;  // then it is killed
    };
    struct Outcome {
        int process = 0;     // the one that serves, as it says itself
        std::string reason;  // why none does; empty when one does
    };
    using Settled = std::move_only_function<void(const Outcome&)>;

    // `settled` runs once on the loop. When there is a reason, the child is no more, and `settled` may drop the successor.
    // Errors: Internal when the program cannot be started.
    static Result<std::unique_ptr<Successor>> start(loop::Loop& loop, const Start& start, Settled settled);
    ~Successor();
    Successor(const Successor&) = delete;
    Successor& operator=(const Successor&) = delete;

private:
    Successor(loop::Loop& loop, FileDescriptor pipe, Settled settled);
    void on_readable();
    bool read_some();  // false: there is no more for now
    void on_silence();
    void on_exit(int status, int signal);

    FileDescriptor pipe_;
    Settled settled_;
    std::string said_;
    bool serves_ = false;
    bool killed_ = false;
    std::chrono::milliseconds patience_{};
    std::unique_ptr<loop::Process> process_;
    loop::Poll poll_;
    loop::Timer silence_;
};

}  // namespace selvage::upgrade
