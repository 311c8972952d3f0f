#include "server/upgrade/command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "server/admin/client.h"
#include "server/upgrade/pid_file.h"

namespace selvage::upgrade {

namespace {

// Longer than the server waits for its successor.
constexpr auto kPatience = std::chrono::seconds(40);
constexpr auto kLookAgain = std::chrono::milliseconds(50);  // at the pid file, which tells nobody that it changed

int failed(const std::string& why) {
    std::fprintf(stderr, "selvage: %s\n", why.c_str());
    return 1;
}

int ask_admin(const config::Endpoint& admin) {
    const auto answer = admin::post(admin, "/upgrade", kPatience);
    if (!answer) return failed(answer.error().detail);
    const auto body = nlohmann::json::parse(answer->body, nullptr, false);
    if (answer->status == 200 && body.is_object()) {
        std::printf("upgraded: process %d serves now\n", body.value("process", 0));
        return 0;
    }
    return failed("not upgraded: " + (body.is_object() ? body.value("reason", "no reason was given")
                                                       : fmt::format("the answer was {}", answer->status)));
}

bool replaced(const std::string& pid_file, int process) {
    for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
        const auto now = PidFile::read(pid_file);
        if (now && *now != process) return true;
        if (::kill(process, 0) != 0) return false;
        std::this_thread::sleep_for(kLookAgain);
    }
    return false;
}

int signal_process(int process, const std::string& pid_file) {
    if (::kill(process, SIGUSR2) != 0) return failed(fmt::format("process {}: {}", process, std::strerror(errno)));
    if (pid_file.empty()) {
        std::printf("process %d was told; its log says what comes of it\n", process);
        return 0;
    }
    if (!replaced(pid_file, process)) return failed(fmt::format("not upgraded: the log of process {} says why", process));
    std::printf("upgraded: process %d serves now\n", PidFile::read(pid_file).value_or(0));
    return 0;
}

}  // namespace

int run_command(const Addressee& addressee) {
    if (addressee.process) return signal_process(*addressee.process, addressee.pid_file);
    if (addressee.admin) return ask_admin(*addressee.admin);
    if (addressee.pid_file.empty())
        return failed("name a server: --admin, --pid, or --config with server.admin or server.pid_file");
    const auto process = PidFile::read(addressee.pid_file);
    return process ? signal_process(*process, addressee.pid_file) : failed(process.error().detail);
}

}  // namespace selvage::upgrade
