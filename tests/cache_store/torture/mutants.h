#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/disk/record.h"
#include "cache_store/disk/segment.h"

// What a poorer store would believe: damaged or leftover records are stamped anew on the disk, so that a check of the real store
// says nothing. A store without the check would have read them just so. Offsets as in disk/record.h.
namespace selvage::torture {

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void give_bytes(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <typename Number>
Number number_at(std::string_view bytes, std::size_t offset) {
    Number number{};
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}
template <typename Number>
void put_number(std::string& bytes, std::size_t offset, Number number) {
    std::memcpy(bytes.data() + offset, &number, sizeof number);
}

enum class Mutant : std::uint8_t { Sound, NoBodyChecksums, NoGenerations };

// The header's checksum, over its rest and the meta, seeded with what is before it.
inline void seal_head(std::string& segment, std::size_t at) {
    const auto meta = number_at<std::uint32_t>(segment, at + 84);
    const auto covered = std::string_view(segment).substr(at + 16, cache_store::kRecordHeader - 16 + meta);
    put_number(segment, at + 8, checksum64(covered, number_at<std::uint64_t>(segment, at)));
}

inline void stamp(std::string& segment, std::size_t at, const cache_store::RecordHeader& head, Mutant mutant) {
    const auto body = std::string_view(segment).substr(at + cache_store::kRecordHeader + head.meta_length, head.body_here());
    if (mutant == Mutant::NoBodyChecksums) put_number(segment, at + 48, checksum64(body));
    if (mutant == Mutant::NoGenerations)
        put_number(segment, at + 16, number_at<std::uint64_t>(segment, 40));  // the segment's own
    seal_head(segment, at);
}

// Every sound head of a record in the file, wherever it is.
inline void stamp_segment(std::string& segment, Mutant mutant) {
    using cache_store::kRecordHeader;
    for (std::size_t at = cache_store::kSegmentHeader; at + kRecordHeader <= segment.size(); at += cache_store::kAlignment) {
        if (std::string_view(segment).substr(at, 4) != "slvR") continue;
        const auto head = cache_store::parse_record_head(std::string_view(segment).substr(at));
        if (head && at + head->record_length <= segment.size()) stamp(segment, at, *head, mutant);
    }
}

inline void stamp_store(const std::filesystem::path& log, Mutant mutant) {
    if (mutant == Mutant::Sound) return;
    for (const auto& entry : std::filesystem::directory_iterator(log)) {
        if (!entry.path().filename().string().starts_with("segment.")) continue;
        auto segment = bytes_of(entry.path());
        const auto before = segment;
        if (segment.size() > cache_store::kSegmentHeader) stamp_segment(segment, mutant);
        if (segment != before) give_bytes(entry.path(), segment);
    }
}

}  // namespace selvage::torture
