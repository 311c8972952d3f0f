#include "cache_store/object_file.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstring>

namespace selvage::cache_store {
namespace {

static_assert(std::endian::native == std::endian::little, "the codec below copies numbers as they are");

constexpr std::string_view kMagic = "selvage\n";
constexpr std::size_t kCoveredFrom = 16;  // behind magic and head checksum

std::string_view body_of(const Object& object) { return object.body ? object.body->view() : std::string_view{}; }

template <std::integral Number>
void append(std::string& out, Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
}

// Takes fields off the front; the caller has checked that there are enough bytes.
class Fields {
public:
    explicit Fields(std::string_view bytes) : rest_(bytes) {}

    std::string_view take(std::size_t count) {
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    template <std::integral Number>
    Number number() {
        Number value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }

private:
    std::string_view rest_;
};

}  // namespace

std::string_view name_of(BadFile reason) {
    switch (reason) {
        case BadFile::NotOurs:
            return "not an object file";
        case BadFile::FutureVersion:
            return "of a newer version";
        case BadFile::Torn:
            return "torn";
        case BadFile::Corrupt:
            return "corrupt";
        case BadFile::Foreign:
            return "of another key";
        case BadFile::Unreadable:
            return "unreadable";
    }
    return "bad";
}

std::uint64_t file_bytes(const Object& object) { return kHeaderBytes + object.meta.size() + body_of(object).size(); }

std::string encode_head(const Key128& key, const Object& object) {
    std::string head;
    head.reserve(kHeaderBytes + object.meta.size());
    head.append(kMagic);
    append(head, std::uint64_t{0});  // the checksum, once the rest is there
    append(head, kFileVersion);
    append(head, static_cast<std::uint32_t>(object.meta.size()));
    append(head, std::uint64_t{body_of(object).size()});
    append(head, key.high);
    append(head, key.low);
    head.append(as_text(object.source));
    append(head, static_cast<std::int64_t>(object.created.time_since_epoch().count()));
    append(head, object.cost_ms);
    append(head, std::uint32_t{0});
    append(head, checksum64(body_of(object)));
    head.append(object.meta);
    const auto checksum = checksum64(std::string_view(head).substr(kCoveredFrom));
    std::memcpy(head.data() + kMagic.size(), &checksum, sizeof checksum);
    return head;
}

std::expected<FileHeader, BadFile> parse_header(std::string_view header, std::uint64_t file_bytes, const Key128& key) {
    if (header.size() < kHeaderBytes || file_bytes < kHeaderBytes) return std::unexpected(BadFile::Torn);
    Fields fields(header);
    if (fields.take(kMagic.size()) != kMagic) return std::unexpected(BadFile::NotOurs);
    FileHeader claims;
    claims.head_checksum = fields.number<std::uint64_t>();
    const auto version = fields.number<std::uint32_t>();
    if (version > kFileVersion) return std::unexpected(BadFile::FutureVersion);
    if (version < kFileVersion) return std::unexpected(BadFile::Corrupt);
    claims.meta_bytes = fields.number<std::uint32_t>();
    claims.body_bytes = fields.number<std::uint64_t>();
    if (claims.meta_bytes > kLargestMeta || claims.body_bytes > kLargestBody) return std::unexpected(BadFile::Corrupt);
    if (claims.head_bytes() + claims.body_bytes != file_bytes) return std::unexpected(BadFile::Torn);
    claims.key.high = fields.number<std::uint64_t>();
    claims.key.low = fields.number<std::uint64_t>();
    if (claims.key != key) return std::unexpected(BadFile::Foreign);
    std::ranges::copy(fields.take(claims.source.bytes.size()), claims.source.bytes.begin());
    claims.created = WallTime(std::chrono::seconds(fields.number<std::int64_t>()));
    claims.cost_ms = fields.number<std::uint32_t>();
    if (fields.number<std::uint32_t>() != 0) return std::unexpected(BadFile::Corrupt);
    claims.body_checksum = fields.number<std::uint64_t>();
    return claims;
}

std::expected<Object, BadFile> assemble(const FileHeader& header, std::string_view head, std::string body) {
    if (head.size() != header.head_bytes() || body.size() != header.body_bytes) return std::unexpected(BadFile::Torn);
    if (checksum64(head.substr(kCoveredFrom)) != header.head_checksum) return std::unexpected(BadFile::Corrupt);
    if (checksum64(body) != header.body_checksum) return std::unexpected(BadFile::Corrupt);
    return Object{.meta = std::string(head.substr(kHeaderBytes)),
                  .body = make_blob(std::move(body)),
                  .cost_ms = header.cost_ms,
                  .source = header.source,
                  .created = header.created};
}

std::expected<Object, BadFile> decode_object(std::string_view file, const Key128& key) {
    const auto header = parse_header(file.substr(0, kHeaderBytes), file.size(), key);
    if (!header) return std::unexpected(header.error());
    return assemble(*header, file.substr(0, header->head_bytes()), std::string(file.substr(header->head_bytes())));
}

}  // namespace selvage::cache_store
