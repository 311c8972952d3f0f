#include "transforms/worker/mapped_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace selvage::transforms::worker {
namespace {

constexpr int kNeededSeals = F_SEAL_SHRINK | F_SEAL_WRITE;

std::unexpected<Error> bad_source(std::string why) { return fail(ErrorKind::Internal, "source " + std::move(why), "bad_job"); }

}  // namespace

Result<MappedSource> MappedSource::map(int descriptor, std::uint64_t size) {
    const int seals = ::fcntl(descriptor, F_GET_SEALS);
    if (seals < 0 || (seals & kNeededSeals) != kNeededSeals) return bad_source("is not sealed");
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size)
        return bad_source("is of another size");
    if (size == 0) return MappedSource(std::string_view());
    // Private: kernels before 6.7 refuse a shared mapping of memory that is sealed against writing.
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) return bad_source(std::strerror(errno));
    return MappedSource(std::string_view(static_cast<const char*>(address), size));
}

MappedSource::MappedSource(MappedSource&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedSource::~MappedSource() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace selvage::transforms::worker
