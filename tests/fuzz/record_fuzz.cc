// Arbitrary bytes as a record of the disk tier's log.
//
// Claims: the decoder never crashes nor reads beyond its bytes; what it accepts is exactly what the encoder would have written;
// no record is sound under another key or generation. Random bytes never get past two checksums, so every input is tried twice:
// as it is, and with what is fixed, lengths and checksums made right, which reaches the fields behind them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/disk/record.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

void require(bool claim) {
    if (!claim) std::abort();
}

template <typename Number>
void put_at(std::string& bytes, std::size_t offset, Number number) {
    std::memcpy(bytes.data() + offset, &number, sizeof number);
}

void try_object(const RecordHeader& header, std::string_view record) {
    const auto decode = [&](const Key128& key, std::uint64_t least, std::uint64_t most) {
        return decode_object(record, key, least, most);
    };
    const auto object = decode(header.key, header.generation, header.generation);
    if (!object) return;
    require(header.type == RecordType::Object);
    require(object->meta.size() + object->tags.size() * sizeof(Tag) == header.meta_length);
    require((object->body == nullptr) == (header.part_length > 0));
    if (object->body) require(object->body->size() == header.body_length);
    require(!decode({header.key.high, ~header.key.low}, 0, UINT64_MAX));
    if (header.generation > 0) require(!decode(header.key, 0, header.generation - 1));
    if (header.generation < UINT64_MAX) require(!decode(header.key, header.generation + 1, UINT64_MAX));
}

void try_record(std::string_view record) {
    const auto header = parse_record_head(record);
    if (!header) {
        require(!name_of(header.error()).empty());
        require(!decode_object(record, {}, 0, UINT64_MAX));
        return;
    }
    require(parse_record_claims(record) == *header);
    require(header->record_length % kAlignment == 0);
    require(header->record_length >= kRecordHeader + header->meta_length + header->body_here());
    const auto tags = record_tags(*header, record);
    const auto again = encode_record_head(*header, tags, record_meta(*header, record));
    require(again.substr(0, kRecordHeader + header->meta_length) == record.substr(0, kRecordHeader + header->meta_length));
    require(parse_record_head(again) == *header);
    if (const auto body = record_body(*header, record)) require(body->size() == header->body_here());
    try_object(*header, record);
}

// What is fixed, the record's length and both checksums as they have to be for what the other fields claim; offsets as in
// record.h.
std::string repaired(std::string_view input) {
    std::string record(input);
    std::memcpy(record.data(), "slvR", 4);
    record[4] = 1;
    record[5] = static_cast<char>(1 + static_cast<unsigned char>(record[5]) % 5);
    put_at(record, 6, std::uint16_t{kRecordHeader});
    std::fill(record.begin() + 101, record.begin() + 112, '\0');
    std::uint32_t meta = 0, part_length = 0;
    std::memcpy(&meta, record.data() + 84, sizeof meta);
    std::memcpy(&part_length, record.data() + 92, sizeof part_length);
    const auto head = std::min<std::size_t>(record.size(), kRecordHeader + std::size_t{meta});
    const auto body = part_length == 0 ? record.size() - head : 0;
    if (part_length == 0) put_at(record, 72, std::uint64_t{body});
    put_at(record, 80, record_length(meta, body));
    put_at(record, 48, checksum64(std::string_view(record).substr(head)));
    std::uint64_t seed = 0;
    std::memcpy(&seed, record.data(), sizeof seed);
    put_at(record, 8, checksum64(std::string_view(record).substr(16, head - 16), seed));
    record.resize((record.size() + kAlignment - 1) / kAlignment * kAlignment, '\0');
    return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    try_record(input);
    if (size >= kRecordHeader) try_record(repaired(input));
    return 0;
}
