#include "transforms/worker/own_words.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "base/file_descriptor.h"
#include "transforms/worker/protocol.h"
#include "transforms/worker/sandbox_limits.h"

// As in <sanitizer/common_interface_defs.h>, which not every compiler brings.
extern "C" void __sanitizer_set_report_fd(void* descriptor);  // NOLINT(*-identifier-naming, *-reserved-identifier)

namespace selvage::transforms::worker {

static_assert(kOwnWords == kSocket + 1);

void keep_own_words() { ::dup3(STDERR_FILENO, kOwnWords, O_CLOEXEC); }

void silence_libraries() {
    const FileDescriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (!nowhere) return;
    ::dup2(nowhere.number(), STDERR_FILENO);
    if constexpr (kSanitized) __sanitizer_set_report_fd(reinterpret_cast<void*>(std::intptr_t{kOwnWords}));
}

void say(std::string_view what, std::string_view detail) {
    ::dprintf(kOwnWords, "selvage-transform: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
              static_cast<int>(detail.size()), detail.data());
}

}  // namespace selvage::transforms::worker
