#include "cache_store/disk/log_reader.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace selvage::cache_store {
namespace {

constexpr std::chrono::seconds kSkew{60};  // R9

// A larger body stays in what was read, and the rest of the record is kept with it; a smaller one is not worth that.
constexpr std::size_t kCopiedBelow = 4096;

ReadEnd end_of(ReadFault fault) { return fault == ReadFault::WouldBlock ? ReadEnd::WouldBlock : ReadEnd::Failed; }
ReadEnd end_of(BadRecord reason) { return reason == BadRecord::Foreign ? ReadEnd::Foreign : ReadEnd::Corrupt; }

std::expected<ReadBytes, ReadEnd> read_record(const Place& place, Patience patience) {
    auto bytes = read_bytes(*place.file, place.location.offset, place.location.length, patience);
    if (!bytes) return std::unexpected(end_of(bytes.error()));
    return *std::move(bytes);
}

std::expected<RecordHeader, BadRecord> sound_head(std::string_view bytes, const Place& place, const Key128& key,
                                                  RecordType type) {
    auto header = parse_record_head(bytes);
    if (header && (header->type != type || header->key != key || !belongs(*header, place.life)))
        return std::unexpected(BadRecord::Foreign);
    return header;
}

std::expected<Lifetimes, ReadEnd> read_lifetimes(const Place& place, const Key128& key, WallTime created, Patience patience) {
    auto bytes = read_record(place, patience);
    if (!bytes) return std::unexpected(bytes.error());
    const auto header = sound_head(bytes->view(), place, key, RecordType::Lifetimes);
    if (!header) return std::unexpected(end_of(header.error()));
    if (header->created != created) return std::unexpected(ReadEnd::Foreign);
    return header->lifetimes;
}

// What must wait is mostly known by its last byte, before memory for a large record is made: 28 pages for 110 KB, on a loop.
std::expected<void, ReadFault> probe(const Place& place, Patience patience) {
    if (patience != Patience::Now || place.location.length < Blob::kPagesFrom) return {};
    char last = 0;
    const auto size = read_into(*place.file, place.location.offset + place.location.length - 1, &last, 1, patience);
    return size ? std::expected<void, ReadFault>() : std::unexpected(size.error());
}

std::expected<Object, ReadEnd> read_alone(const Place& place, const Key128& key, const Judge& judge, Patience patience) {
    if (const auto there = probe(place, patience); !there) return std::unexpected(end_of(there.error()));
    BlobBuffer buffer(place.location.length);
    const auto size = read_into(*place.file, place.location.offset, buffer.data(), place.location.length, patience);
    if (!size) return std::unexpected(end_of(size.error()));
    auto decoded = decode_in_place(buffer.view().substr(0, *size), key, place.life.first, place.life.last);
    if (!decoded) return std::unexpected(end_of(decoded.error()));
    auto& [object, body] = *decoded;
    // Born after the newest purge that is known: the journal is not the one that it lived with.
    if (object.birth > judge.purge_sequence || object.birth < judge.least_birth) return std::unexpected(ReadEnd::Foreign);
    if (body) object.body = body->size() < kCopiedBelow ? make_blob(std::string(*body)) : make_blob(std::move(buffer), *body);
    return std::move(object);
}

// R9: a clock was wrong, then or now. It may be used when nothing better can be had.
void distrust_the_future(Object& object, WallTime now) {
    if (object.created <= now + kSkew) return;
    object.lifetimes.fresh_until = 0;
    object.lifetimes.while_revalidate_until = 0;
}

}  // namespace

std::expected<ReadBytes, ReadFault> read_bytes(const LogFile& file, std::uint64_t offset, std::size_t bytes, Patience patience) {
    ReadBytes read{.bytes = std::make_unique_for_overwrite<char[]>(bytes)};
    const auto size = read_into(file, offset, read.bytes.get(), bytes, patience);
    if (!size) return std::unexpected(size.error());
    read.size = *size;
    return read;
}

std::expected<std::size_t, ReadFault> read_into(const LogFile& file, std::uint64_t offset, char* into, std::size_t bytes,
                                                Patience patience) {
    const int flags = patience == Patience::Now ? RWF_NOWAIT : 0;
    std::size_t size = 0;
    while (size < bytes) {
        const iovec part{.iov_base = into + size, .iov_len = bytes - size};
        const auto got = file.files().preadv2(file.number(), &part, 1, static_cast<off_t>(offset + size), flags);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && patience == Patience::Now && (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS))
            return std::unexpected(ReadFault::WouldBlock);
        if (got < 0) return std::unexpected(ReadFault::Failed);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    return size;
}

std::expected<Object, ReadEnd> read_object(LogContents& contents, const Key128& key, const LookUp& found, const Judge& judge,
                                           Patience patience) {
    auto object = read_alone(*found.place, key, judge, patience);
    if (!object) {
        contents.ended(key, *found.place, object.error());
        return object;
    }
    if (found.refreshed) {
        object->lifetimes = *found.refreshed;
    } else if (found.lifetimes) {
        const auto newer = read_lifetimes(*found.lifetimes, key, object->created, patience);
        if (!newer) {
            contents.ended(lifetimes_key(key), *found.lifetimes, newer.error());
            return std::unexpected(newer.error());
        }
        object->lifetimes = *newer;
    }
    distrust_the_future(*object, judge.now);
    return object;
}

std::expected<RecordHeader, ReadEnd> read_head(const Place& place, const Key128& key, RecordType type) {
    auto bytes = read_bytes(*place.file, place.location.offset, std::min<std::size_t>(place.location.length, kLargestRecordHead),
                            Patience::Wait);
    if (!bytes) return std::unexpected(end_of(bytes.error()));
    auto header = sound_head(bytes->view(), place, key, type);
    if (!header) return std::unexpected(end_of(header.error()));
    return *header;
}

}  // namespace selvage::cache_store
