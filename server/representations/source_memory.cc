#include "server/representations/source_memory.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "transforms/worker/protocol.h"

namespace selvage::representations {

Result<SourceMemory::View> SourceMemory::view(catalogue::Catalogue& catalogue, const catalogue::Source& source) {
    const std::scoped_lock lock(mutex_);
    if (!held_.memory) {
        const std::string content = TRY(catalogue.read(source));
        held_ = {.memory = TRY(transforms::worker::sealed_memory("selvage-source", content)), .size = content.size()};
    }
    FileDescriptor own(::fcntl(held_.memory.number(), F_DUPFD_CLOEXEC, 0));
    if (!own) return fail(ErrorKind::Internal, std::strerror(errno));
    return View{.memory = std::move(own), .size = held_.size};
}

std::shared_ptr<SourceMemory> SourceMemories::of(const Sha256& content) {
    if (held_.size() >= tidy_at_) {
        std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
        tidy_at_ = std::max(kFew, 2 * held_.size());
    }
    auto& place = held_[content];
    auto memory = place.lock();
    if (!memory) place = memory = std::make_shared<SourceMemory>();
    return memory;
}

}  // namespace selvage::representations
