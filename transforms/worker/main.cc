// selvage-transform: decodes what strangers sent, so that the server does not have to.
//
//   selvage-transform [--memory BYTES]     started by selvage with a socket at descriptor 3 (see protocol.h)

#include <fcntl.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "transforms/engine/engine.h"
#include "transforms/worker/jobs.h"
#include "transforms/worker/own_words.h"
#include "transforms/worker/protocol.h"
#include "transforms/worker/resident_memory.h"
#include "transforms/worker/sandbox.h"

namespace {

namespace worker = selvage::transforms::worker;

constexpr std::uint64_t kDefaultMemory = std::uint64_t{1} << 30;  // protocol-and-limits §7

std::optional<std::uint64_t> memory_of(int count, char** arguments) {
    if (count == 1) return kDefaultMemory;
    if (count != 3 || std::string_view(arguments[1]) != "--memory") return std::nullopt;
    const std::string_view text = arguments[2];
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return bytes;
}

int complain(std::string_view what, std::string_view detail) {
    worker::say(what, detail);
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    const auto memory = memory_of(count, arguments);
    const bool has_socket = ::fcntl(worker::kSocket, F_GETFD) >= 0;
    worker::leave_the_world();
    worker::keep_own_words();
    if (!memory) return complain("usage", "selvage-transform [--memory BYTES]");
    if (!has_socket) return complain("descriptor 3", "is started by selvage, not by hand");
    const auto engine = selvage::transforms::Engine::start(worker::kOwnWords);
    if (!engine) return complain("engine", engine.error().detail);
    const worker::ResidentMemory resident;
    worker::silence_libraries();
    if (auto shut = worker::install_sandbox(*memory); !shut) return complain("sandbox", shut.error().detail);
    return worker::do_jobs(worker::kSocket, **engine, resident);
}
