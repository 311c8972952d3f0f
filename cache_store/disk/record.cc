#include "cache_store/disk/record.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>

#include "cache_store/disk/fields.h"

namespace selvage::cache_store {
namespace {

constexpr std::string_view kMagic = "slvR";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kBeforeChecksum = 8, kCoveredFrom = 16;
constexpr std::string_view kReserved{"\0\0\0\0\0\0\0\0\0\0\0", 11};

constexpr bool has_body(RecordType type) { return type == RecordType::Object || type == RecordType::Part; }

constexpr std::uint64_t padded(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::uint32_t to_seconds(WallTime time) {
    const auto seconds = time.time_since_epoch().count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

std::uint64_t head_checksum(std::string_view head) {
    return checksum64(head.substr(kCoveredFrom), Fields(head.substr(0, kBeforeChecksum)).number<std::uint64_t>());
}

// The fields as they are, but for the first eight bytes, which are judged here.
std::expected<RecordHeader, BadRecord> read_fields(std::string_view bytes) {
    if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, bytes.size()) || bytes.empty())
        return std::unexpected(BadRecord::Nothing);
    if (bytes.size() < kRecordHeader) return std::unexpected(BadRecord::Torn);
    Fields fields(bytes.substr(kMagic.size(), kRecordHeader - kMagic.size()));
    const auto version = fields.number<std::uint8_t>();
    if (version > kVersion) return std::unexpected(BadRecord::Future);
    const auto type = fields.number<std::uint8_t>();
    if (version < kVersion || fields.number<std::uint16_t>() != kRecordHeader || type < 1 || type > 5)
        return std::unexpected(BadRecord::Corrupt);
    fields.take(sizeof(std::uint64_t));  // the checksum
    RecordHeader header{.type = RecordType{type}};
    header.generation = fields.number<std::uint64_t>();
    header.key.high = fields.number<std::uint64_t>();
    header.key.low = fields.number<std::uint64_t>();
    header.birth = fields.number<std::uint64_t>();
    header.body_checksum = fields.number<std::uint64_t>();
    header.created = WallTime(std::chrono::seconds(fields.number<std::uint32_t>()));
    header.lifetimes.fresh_until = fields.number<std::uint32_t>();
    header.lifetimes.while_revalidate_until = fields.number<std::uint32_t>();
    header.lifetimes.if_error_until = fields.number<std::uint32_t>();
    header.body_length = fields.number<std::uint64_t>();
    header.record_length = fields.number<std::uint32_t>();
    header.meta_length = fields.number<std::uint32_t>();
    header.cost_ms = fields.number<std::uint32_t>();
    header.part_length = fields.number<std::uint32_t>();
    header.part_number = fields.number<std::uint32_t>();
    header.tags = fields.number<std::uint8_t>();
    const auto reserved = fields.take(kReserved.size());
    if (reserved != kReserved) return std::unexpected(BadRecord::Corrupt);
    return header;
}

// What the type allows: see the grammar.
bool fits_type(const RecordHeader& header) {
    switch (header.type) {
        case RecordType::Object:
            return header.part_number == 0 &&
                   (header.part_length == 0 ||
                    (header.body_length > 0 && (header.body_length - 1) / header.part_length <= UINT32_MAX));
        case RecordType::Part:
            return header.meta_length == 0 && header.tags == 0 && header.part_length > 0 &&
                   std::uint64_t{header.part_number} * header.part_length < header.body_length;
        case RecordType::Lifetimes:
        case RecordType::Tombstone:
        case RecordType::Resumption:
            return header.meta_length == 0 && header.tags == 0 && header.body_length == 0 && header.part_length == 0 &&
                   header.part_number == 0;
    }
    return false;
}

bool lengths_fit(const RecordHeader& header) {
    if (header.meta_length > kLargestRecordMeta || header.tags * sizeof(Tag) > header.meta_length) return false;
    if (!fits_type(header) || header.body_here() > UINT32_MAX) return false;
    return header.record_length == padded(kRecordHeader + header.meta_length + header.body_here());
}

void put_header(FieldWriter& out, const RecordHeader& header) {
    out.bytes(kMagic);
    out.number(kVersion);
    out.number(static_cast<std::uint8_t>(header.type));
    out.number(static_cast<std::uint16_t>(kRecordHeader));
    out.number(std::uint64_t{0});  // the checksum, once the rest is there
    out.number(header.generation);
    out.number(header.key.high);
    out.number(header.key.low);
    out.number(header.birth);
    out.number(header.body_checksum);
    out.number(to_seconds(header.created));
    out.number(header.lifetimes.fresh_until);
    out.number(header.lifetimes.while_revalidate_until);
    out.number(header.lifetimes.if_error_until);
    out.number(header.body_length);
    out.number(header.record_length);
    out.number(header.meta_length);
    out.number(header.cost_ms);
    out.number(header.part_length);
    out.number(header.part_number);
    out.number(header.tags);
    out.bytes(kReserved);
}

// What follows from the arguments: lengths, and what the type does not have.
void complete(RecordHeader& header, const std::vector<Tag>& tags, std::string_view meta) {
    const bool bare = header.type != RecordType::Object;
    if (!has_body(header.type)) header.body_length = header.part_length = header.part_number = 0;
    header.tags = bare ? 0 : static_cast<std::uint8_t>(tags.size());
    header.meta_length = bare ? 0 : static_cast<std::uint32_t>(tags.size() * sizeof(Tag) + meta.size());
    header.record_length = record_length(header.meta_length, header.body_here());
}

// Of a disk look-up: without an allocation.
Key128 related_key(char relation, const Key128& key, std::uint64_t body, std::uint32_t number) {
    const std::array<std::uint64_t, 5> numbers = {static_cast<std::uint64_t>(relation), key.high, key.low, body, number};
    return key_of({{reinterpret_cast<const char*>(numbers.data()), sizeof numbers}});
}

}  // namespace

std::string_view name_of(BadRecord reason) {
    switch (reason) {
        case BadRecord::Nothing:
            return "nothing there";
        case BadRecord::Future:
            return "of a later version";
        case BadRecord::Torn:
            return "torn";
        case BadRecord::Corrupt:
            return "corrupt";
        case BadRecord::Foreign:
            return "of another key or generation";
        case BadRecord::Unreadable:
            return "unreadable";
    }
    return "bad";
}

std::uint64_t RecordHeader::body_here() const {
    if (!has_body(type)) return 0;
    if (part_length == 0) return body_length;
    if (type == RecordType::Object) return 0;
    const auto before = std::uint64_t{part_number} * part_length;
    return before < body_length ? std::min<std::uint64_t>(part_length, body_length - before) : 0;
}

Key128 part_key(const Key128& key, std::uint64_t body_checksum, std::uint32_t part) {
    return related_key('p', key, body_checksum, part);
}
Key128 lifetimes_key(const Key128& key) { return related_key('l', key, 0, 0); }

std::uint32_t record_length(std::size_t meta_length_with_tags, std::uint64_t body_here) {
    return static_cast<std::uint32_t>(padded(kRecordHeader + meta_length_with_tags + body_here));
}

std::string encode_record_head(RecordHeader header, const std::vector<Tag>& tags, std::string_view meta) {
    complete(header, tags, meta);
    const std::size_t head = kRecordHeader + header.meta_length;
    std::string bytes(header.body_here() == 0 ? header.record_length : head, '\0');
    encode_record_head(bytes.data(), header, tags, meta);
    return bytes;
}

void encode_record_head(char* to, RecordHeader header, const std::vector<Tag>& tags, std::string_view meta) {
    complete(header, tags, meta);
    FieldWriter out(to);
    put_header(out, header);
    if (header.meta_length > 0) {
        for (const Tag tag : tags) out.number(static_cast<std::uint64_t>(tag));
        out.bytes(meta);
    }
    const std::size_t head = kRecordHeader + header.meta_length;
    FieldWriter(to + kBeforeChecksum).number(head_checksum({to, head}));
    if (header.body_here() == 0) std::memset(out.at(), 0, header.record_length - head);
}

std::expected<RecordHeader, BadRecord> parse_record_claims(std::string_view bytes) {
    auto header = read_fields(bytes);
    if (header && !lengths_fit(*header)) return std::unexpected(BadRecord::Corrupt);
    return header;
}

std::expected<RecordHeader, BadRecord> parse_record_head(std::string_view bytes) {
    auto header = parse_record_claims(bytes);
    if (!header) return header;
    const std::size_t head = kRecordHeader + header->meta_length;
    if (bytes.size() < head) return std::unexpected(BadRecord::Torn);
    if (head_checksum(bytes.substr(0, head)) != Fields(bytes.substr(kBeforeChecksum)).number<std::uint64_t>())
        return std::unexpected(BadRecord::Corrupt);
    return header;
}

std::string_view record_meta(const RecordHeader& header, std::string_view record) {
    const std::size_t tags = header.tags * sizeof(Tag);
    return record.substr(kRecordHeader + tags, header.meta_length - tags);
}

std::vector<Tag> record_tags(const RecordHeader& header, std::string_view record) {
    Fields fields(record.substr(kRecordHeader));
    std::vector<Tag> tags(header.tags);
    for (Tag& tag : tags) tag = static_cast<Tag>(fields.number<std::uint64_t>());
    return tags;
}

std::expected<std::string_view, BadRecord> record_body(const RecordHeader& header, std::string_view record) {
    const std::size_t head = kRecordHeader + header.meta_length;
    const auto bytes = header.body_here();
    if (record.size() < head + bytes) return std::unexpected(BadRecord::Torn);
    const auto body = record.substr(head, bytes);
    if (bytes != 0 && checksum64(body) != header.body_checksum) return std::unexpected(BadRecord::Corrupt);
    return body;
}

std::expected<Decoded, BadRecord> decode_in_place(std::string_view record, const Key128& key, std::uint64_t least_generation,
                                                  std::uint64_t greatest_generation) {
    const auto header = parse_record_head(record);
    if (!header) return std::unexpected(header.error());
    if (header->type != RecordType::Object || header->key != key || header->generation < least_generation ||
        header->generation > greatest_generation)
        return std::unexpected(BadRecord::Foreign);
    if (record.size() < header->record_length) return std::unexpected(BadRecord::Torn);
    const auto body = record_body(*header, record);
    if (!body) return std::unexpected(body.error());
    return Decoded{.object = {.meta = std::string(record_meta(*header, record)),
                              .body = nullptr,
                              .cost_ms = header->cost_ms,
                              .created = header->created,
                              .lifetimes = header->lifetimes,
                              .birth = header->birth,
                              .tags = record_tags(*header, record)},
                   .body = header->part_length == 0 ? std::optional(*body) : std::nullopt};
}

std::expected<Object, BadRecord> decode_object(std::string_view record, const Key128& key, std::uint64_t least_generation,
                                               std::uint64_t greatest_generation) {
    auto decoded = decode_in_place(record, key, least_generation, greatest_generation);
    if (!decoded) return std::unexpected(decoded.error());
    if (decoded->body) decoded->object.body = make_blob(std::string(*decoded->body));
    return std::move(decoded->object);
}

}  // namespace selvage::cache_store
