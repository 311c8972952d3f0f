#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "cache_store/disk/record.h"
#include "cache_store/disk/segment.h"

// What the tests of the disk formats stand on: records and segments as bytes, without a store that writes them.
namespace selvage::cache_store {

inline Key128 disk_key(std::uint64_t number) { return key_of({"key", std::to_string(number)}); }

inline RecordHeader object_header(const Key128& key, std::uint64_t generation, std::string_view body) {
    return {.type = RecordType::Object,
            .generation = generation,
            .key = key,
            .birth = 7,
            .body_checksum = checksum64(body),
            .created = WallTime(std::chrono::seconds(1'795'000'000)),
            .lifetimes = {10, 20, 30},
            .body_length = body.size(),
            .cost_ms = 512};
}

// Head, body and padding.
inline std::string record_bytes(const RecordHeader& header, std::string_view body, std::string_view meta = "type=image/avif",
                                const std::vector<Tag>& tags = {Tag{11}, Tag{12}}) {
    std::string bytes = encode_record_head(header, tags, meta);
    if (header.body_here() > 0) bytes += body;
    bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment, '\0');
    return bytes;
}

inline std::string object_bytes(const Key128& key, std::uint64_t generation, std::string_view body) {
    return record_bytes(object_header(key, generation, body), body);
}

inline std::string resumption_bytes(std::uint64_t generation, std::uint64_t before) {
    return record_bytes({.type = RecordType::Resumption, .generation = generation, .birth = before}, {});
}

// A segment's file that is written from its beginning, and the clean ones of the rest are zeros.
class SegmentBytes {
public:
    SegmentBytes(const SegmentHeader& header, std::size_t bytes) : bytes_(encode(header)), size_(bytes) {}

    std::uint64_t add(std::string_view record) {
        const auto offset = bytes_.size();
        bytes_ += record;
        return offset;
    }
    std::string all() const {
        std::string file = bytes_;
        file.resize(size_, '\0');
        return file;
    }
    std::string sealed(const Toc& toc) const {
        std::string file = all();
        const auto tail = encode(toc);
        file.replace(file.size() - tail.size(), tail.size(), tail);
        return file;
    }
    std::uint64_t end() const { return bytes_.size(); }

private:
    std::string bytes_;
    std::size_t size_;
};

// What scan_segment() reads a file in memory by.
inline ReadAt reader_of(const std::string& file) {
    return [&file](std::uint64_t offset, std::size_t bytes) {
        return offset < file.size() ? std::string_view(file).substr(offset, bytes) : std::string_view{};
    };
}

}  // namespace selvage::cache_store
