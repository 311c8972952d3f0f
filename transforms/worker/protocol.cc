#include "transforms/worker/protocol.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <type_traits>

namespace selvage::transforms::worker {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

std::unexpected<Error> system_failure(std::string_view call) {
    return fail(ErrorKind::Internal, std::string(call) + ": " + std::strerror(errno), "worker_socket");
}

std::unexpected<Error> socket_failure(std::string_view call) {
    // ETOOMANYREFS: so many descriptors of this user are on their way, in all processes, as this one may have open (unix(7)).
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS) {
        return fail(ErrorKind::Overloaded, std::string(call), "again");
    }
    return system_failure(call);
}

// Room for one descriptor, aligned for the header before it. (Where the kernel pads it, for two.)
struct alignas(cmsghdr) Ancillary {
    std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

void attach(msghdr& message, Ancillary& ancillary, int descriptor) {
    message.msg_control = ancillary.bytes.data();
    message.msg_controllen = ancillary.bytes.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
}

// All that came are ours from now on: more than one are closed, and none is given.
FileDescriptor detach(msghdr& message) {
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
    std::array<int, sizeof(Ancillary) / sizeof(int)> numbers{};
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(numbers.data(), CMSG_DATA(header), count * sizeof(int));
    FileDescriptor first(count > 0 ? numbers[0] : -1);
    if (count <= 1) return first;
    for (std::size_t other = 1; other < count; ++other) FileDescriptor(numbers[other]).reset();
    message.msg_flags |= MSG_CTRUNC;
    return {};
}

ssize_t without_interruption(auto&& call) {
    ssize_t result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

Result<void> write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = without_interruption([&] { return ::write(descriptor, bytes.data(), bytes.size()); });
        if (written < 0) return system_failure("write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> read_all(int descriptor, std::string& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = without_interruption(
            [&] { return ::pread(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done)); });
        if (got < 0) return system_failure("pread");
        if (got == 0) return fail(ErrorKind::Internal, "shorter than it was", "worker_socket");
        done += static_cast<std::size_t>(got);
    }
    return {};
}

}  // namespace

template <typename Message>
Result<void> send(int socket, const Message& message, int descriptor) {
    static_assert(std::is_trivially_copyable_v<Message>);
    iovec part{.iov_base = const_cast<Message*>(&message), .iov_len = sizeof message};
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    Ancillary ancillary;
    if (descriptor >= 0) attach(envelope, ancillary, descriptor);
    // A packet goes as a whole or not at all.
    if (without_interruption([&] { return ::sendmsg(socket, &envelope, MSG_NOSIGNAL); }) < 0) return socket_failure("sendmsg");
    return {};
}

template <typename Message>
Result<Received<Message>> receive(int socket) {
    static_assert(std::is_trivially_copyable_v<Message>);
    Received<Message> received{};
    iovec part{.iov_base = &received.message, .iov_len = sizeof received.message};
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    Ancillary ancillary;
    envelope.msg_control = ancillary.bytes.data();
    envelope.msg_controllen = ancillary.bytes.size();
    const ssize_t size = without_interruption([&] { return ::recvmsg(socket, &envelope, MSG_CMSG_CLOEXEC); });
    if (size < 0) return socket_failure("recvmsg");
    received.descriptor = detach(envelope);
    if (size == 0) return fail(ErrorKind::Internal, "the peer has closed", "closed");
    const bool whole = size == sizeof received.message && (envelope.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    if (!whole) return fail(ErrorKind::Internal, "a message of another size", "worker_socket");
    return received;
}

template Result<void> send(int, const Hello&, int);
template Result<void> send(int, const Job&, int);
template Result<void> send(int, const Done&, int);
template Result<Received<Hello>> receive(int);
template Result<Received<Job>> receive(int);
template Result<Received<Done>> receive(int);

bool add_order(Job& job, const Order& order, std::string_view plan) {
    std::size_t begin = 0;
    if (job.order_count == kMostOrders) return false;
    if (job.order_count != 0) {
        const WireOrder& last = job.orders[job.order_count - 1];
        begin = std::size_t{last.plan_begin} + last.plan_length;
    }
    if (plan.size() > kPlanText - begin) return false;
    std::memcpy(job.plans + begin, plan.data(), plan.size());
    job.orders[job.order_count++] = {.format = order.format,
                                     .quality = static_cast<std::uint8_t>(order.quality),
                                     .target = static_cast<std::uint8_t>(order.target),
                                     .effort = order.effort,
                                     .full_chroma = order.full_chroma,
                                     .plan_begin = static_cast<std::uint16_t>(begin),
                                     .plan_length = static_cast<std::uint16_t>(plan.size())};
    return true;
}

Result<FileDescriptor> sealed_memory(const char* name, std::string_view bytes) {
    FileDescriptor memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) return system_failure("memfd_create");
    TRY(write_all(memory.number(), bytes));
    if (::fcntl(memory.number(), F_ADD_SEALS, kSeals | F_SEAL_SEAL) != 0) return system_failure("F_ADD_SEALS");
    return memory;
}

Result<void> check_sealed(int descriptor, std::uint64_t size) {
    // Sealed against shrinking first, measured second: then the size stays true.
    const int seals = ::fcntl(descriptor, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) return fail(ErrorKind::Internal, "not sealed", "worker_socket");
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) return system_failure("fstat");
    if (static_cast<std::uint64_t>(status.st_size) != size) return fail(ErrorKind::Internal, "of another size", "worker_socket");
    if (size > kMostOutput) return fail(ErrorKind::Internal, "too large", "worker_socket");
    return {};
}

Result<std::string> read_sealed(int descriptor, std::uint64_t size) {
    TRY(check_sealed(descriptor, size));
    std::string bytes;
    bytes.resize(size);
    TRY(read_all(descriptor, bytes));
    return bytes;
}

}  // namespace selvage::transforms::worker
