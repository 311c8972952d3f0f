#include "server/loop/process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>

#include "server/loop/handle.h"

namespace selvage::loop {

namespace {

// In the form that exec() wants, with the null at the end; it changes none of them.
std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> all;
    all.reserve(words.size() + 1);
    for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
    all.push_back(nullptr);
    return all;
}

}  // namespace

struct Process::Native {
    HandlePtr<uv_process_t> handle;
    bool running = false;
};

Process::Process() : native_(new Native) {}

Result<std::unique_ptr<Process>> Process::spawn(Loop& loop, const std::string& program, const std::vector<std::string>& arguments,
                                                FileDescriptor child_socket, Exited exited) {
    return start(loop,
                 {.program = program,
                  .arguments = arguments,
                  .environment = {},
                  .descriptors = {kNull, kNull, STDERR_FILENO, child_socket.number()}},
                 std::move(exited));
}

Result<std::unique_ptr<Process>> Process::start(Loop& loop, const Launch& launch, Exited exited) {
    std::unique_ptr<Process> process(new Process);
    process->exited_ = std::move(exited);
    process->native_->handle.reset(new uv_process_t);
    process->native_->handle->data = process.get();

    std::vector<char*> argv = pointers(launch.arguments);
    argv.insert(argv.begin(), const_cast<char*>(launch.program.c_str()));
    std::vector<char*> environment = pointers(launch.environment);
    std::vector<uv_stdio_container_t> stdio;
    for (const int descriptor : launch.descriptors) {
        uv_stdio_container_t& each = stdio.emplace_back();
        each.flags = descriptor == kNull ? UV_IGNORE : UV_INHERIT_FD;
        each.data.fd = descriptor;
    }

    uv_process_options_t options = {};
    options.file = launch.program.c_str();
    options.args = argv.data();
    options.env = environment.data();
    options.stdio_count = static_cast<int>(stdio.size());
    options.stdio = stdio.data();
    options.exit_cb = [](uv_process_t* handle, std::int64_t status, int signal) {
        auto* self = static_cast<Process*>(handle->data);
        if (!self) {  // dropped while it ran: now it is reaped
            CloseHandle{}(handle);
            return;
        }
        self->native_->running = false;
        auto callback = std::move(self->exited_);  // it may drop us
        callback(static_cast<int>(status), signal);
    };
    const int code = uv_spawn(loop.native(), process->native_->handle.get(), &options);
    if (code != 0) return fail(ErrorKind::Internal, fmt::format("cannot start {}: {}", launch.program, uv_strerror(code)));
    process->native_->running = true;
    return process;
}

Process::~Process() {
    if (!native_->running) return;
    kill();
    // libuv reaps only the processes of open handles: this one stays until the exit callback has closed it.
    native_->handle.release()->data = nullptr;
}

int Process::id() const { return native_->handle->pid; }

void Process::kill() {
    if (native_->running) uv_process_kill(native_->handle.get(), SIGKILL);
}

// A closed handle is one that libuv does not wait for. Whoever adopts the child when we are gone reaps it.
void Process::let_go() {
    native_->running = false;
    native_->handle.reset();
}

}  // namespace selvage::loop
