#include "server/loop/process.h"

#include <fmt/format.h>

#include <csignal>

#include "server/loop/handle.h"

namespace selvage::loop {

struct Process::Native {
    HandlePtr<uv_process_t> handle;
    bool running = false;
};

Process::Process() : native_(new Native) {}

Result<std::unique_ptr<Process>> Process::spawn(Loop& loop, const std::string& program, const std::vector<std::string>& arguments,
                                                FileDescriptor child_socket, std::move_only_function<void(int, int)> exited) {
    std::unique_ptr<Process> process(new Process);
    process->exited_ = std::move(exited);
    process->native_->handle.reset(new uv_process_t);
    process->native_->handle->data = process.get();

    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    char* environment[] = {nullptr};

    uv_stdio_container_t stdio[4] = {};
    stdio[0].flags = UV_IGNORE;
    stdio[1].flags = UV_IGNORE;
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = 2;
    stdio[3].flags = UV_INHERIT_FD;
    stdio[3].data.fd = child_socket.number();

    uv_process_options_t options = {};
    options.file = program.c_str();
    options.args = argv.data();
    options.env = environment;
    options.stdio_count = 4;
    options.stdio = stdio;
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
    if (code != 0) return fail(ErrorKind::Internal, fmt::format("cannot start {}: {}", program, uv_strerror(code)));
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

}  // namespace selvage::loop
