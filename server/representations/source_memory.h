#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/digest.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "server/catalogue/catalogue.h"

namespace selvage::representations {

// A source's bytes in sealed memory, for a worker: read once for all variants that are made of it at the same time, as of a page
// with all its widths. The memory goes with the last who holds this or a descriptor of it.
class SourceMemory {
public:
    struct View {
        FileDescriptor memory;
        std::uint64_t size = 0;
    };
    // The bytes are checked against the source's hash: the file may change at any time. Blocks; who comes while another reads
    // waits for him, but a failure is his alone. Any thread. Errors: of Catalogue::read(); Internal without memory or
    // descriptors.
    Result<View> view(catalogue::Catalogue& catalogue, const catalogue::Source& source);

private:
    std::mutex mutex_;
    View held_;
};

// Those that somebody holds. On one loop.
class SourceMemories {
public:
    std::shared_ptr<SourceMemory> of(const Sha256& content);

private:
    static constexpr std::size_t kFew = 64;

    std::unordered_map<Sha256, std::weak_ptr<SourceMemory>> held_;
    std::size_t tidy_at_ = kFew;  // entries
};

}  // namespace selvage::representations
