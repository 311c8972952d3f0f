#include "cache_store/disk/superblock.h"

#include <algorithm>

#include "cache_store/disk/fields.h"

namespace selvage::cache_store {
namespace {

constexpr std::string_view kMagic = "selvage\n";
constexpr std::size_t kChecksumAt = 8, kCoveredFrom = 16;
constexpr std::uint64_t kKnownFeatures = 0;
constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kUsualSegment = 64 * kMiB;

bool is_size_of_segments(std::uint64_t bytes) {
    return bytes >= kSmallestSegment && bytes <= kLargestSegment && bytes % kSuperblock == 0;
}

std::uint64_t segment_bytes_for(std::uint64_t usable) {
    const auto sixteenth = std::clamp(usable / 16 / kMiB * kMiB, kSmallestSegment, kUsualSegment);
    if (usable / sixteenth <= kMostSegments) return sixteenth;
    const auto share = (usable - 1) / kMostSegments + 1;
    return share >= kLargestSegment ? kLargestSegment : (share + kMiB - 1) / kMiB * kMiB;
}

}  // namespace

std::string encode(const Superblock& superblock) {
    std::string out;
    out.reserve(kSuperblock);
    out.append(kMagic);
    append_number(out, std::uint64_t{0});  // the checksum, once the rest is there
    append_number(out, kStoreVersion);
    append_number(out, std::uint32_t{0});
    append_number(out, superblock.serial);
    append_number(out, superblock.uuid.high);
    append_number(out, superblock.uuid.low);
    append_number(out, superblock.segment_bytes);
    append_number(out, superblock.segments);
    append_number(out, std::uint32_t{0});
    append_number(out, superblock.purge_journal);
    append_number(out, superblock.least_birth);
    append_number(out, superblock.features);
    out.resize(kSuperblock, '\0');
    put_number(out, kChecksumAt, checksum64(std::string_view(out).substr(kCoveredFrom)));
    return out;
}

std::expected<Superblock, BadRecord> parse_superblock(std::string_view bytes) {
    if (bytes.empty()) return std::unexpected(BadRecord::Nothing);
    if (bytes.size() < kSuperblock) return std::unexpected(BadRecord::Torn);
    bytes = bytes.substr(0, kSuperblock);
    Fields fields(bytes.substr(kChecksumAt));
    if (!bytes.starts_with(kMagic) || fields.number<std::uint64_t>() != checksum64(bytes.substr(kCoveredFrom)))
        return std::unexpected(BadRecord::Corrupt);
    const auto version = fields.number<std::uint32_t>();
    if (version != kStoreVersion) return std::unexpected(version > kStoreVersion ? BadRecord::Future : BadRecord::Corrupt);
    fields.take(sizeof(std::uint32_t));
    Superblock superblock{.serial = fields.number<std::uint64_t>()};
    superblock.uuid.high = fields.number<std::uint64_t>();
    superblock.uuid.low = fields.number<std::uint64_t>();
    superblock.segment_bytes = fields.number<std::uint64_t>();
    superblock.segments = fields.number<std::uint32_t>();
    fields.take(sizeof(std::uint32_t));
    superblock.purge_journal = fields.number<std::uint64_t>();
    superblock.least_birth = fields.number<std::uint64_t>();
    superblock.features = fields.number<std::uint64_t>();
    if ((superblock.features & ~kKnownFeatures) != 0) return std::unexpected(BadRecord::Future);
    if (!is_size_of_segments(superblock.segment_bytes) || superblock.segments > kMostSegments)
        return std::unexpected(BadRecord::Corrupt);
    return superblock;
}

std::expected<Superblock, BadRecord> choose_superblock(std::string_view first, std::string_view second) {
    const auto one = parse_superblock(first), other = parse_superblock(second);
    const auto is = [](const auto& parsed, BadRecord reason) { return !parsed && parsed.error() == reason; };
    if (is(one, BadRecord::Future) || is(other, BadRecord::Future)) return std::unexpected(BadRecord::Future);
    if (one && other) return one->serial >= other->serial ? one : other;
    if (one || other) return one ? one : other;
    const bool neither_there = is(one, BadRecord::Nothing) && is(other, BadRecord::Nothing);
    return std::unexpected(neither_there ? BadRecord::Nothing : BadRecord::Corrupt);
}

Geometry geometry_for(std::uint64_t limit) {
    if (limit < kReservedBytes + kFewestSegments * kSmallestSegment) return {};
    const auto segment_bytes = segment_bytes_for(limit - kReservedBytes);
    return geometry_for(limit, segment_bytes).value_or(Geometry{});
}

std::optional<Geometry> geometry_for(std::uint64_t limit, std::uint64_t segment_bytes) {
    if (!is_size_of_segments(segment_bytes) || limit < kReservedBytes) return std::nullopt;
    const auto segments = std::min<std::uint64_t>((limit - kReservedBytes) / segment_bytes, kMostSegments);
    if (segments < kFewestSegments) return std::nullopt;
    return Geometry{.segment_bytes = segment_bytes,
                    .segments = static_cast<std::uint32_t>(segments),
                    .part_bytes = static_cast<std::uint32_t>(std::min(kPart, segment_bytes / 4))};
}

}  // namespace selvage::cache_store
