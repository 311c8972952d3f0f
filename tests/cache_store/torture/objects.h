#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/url.h"
#include "cache_store/store.h"

// Objects that can be told from their key and the number of their version alone: every byte says whose it is.
namespace selvage::torture {

using cache_store::Lifetimes;
using cache_store::Object;
using cache_store::ObjectPtr;
using cache_store::Purge;
using cache_store::Tag;
using cache_store::TagKind;

// What was put under a key the number-th time. Without pointers: it is also kept in memory that two processes share.
struct Version {
    std::uint32_t key = 0, number = 0;
    std::uint32_t bytes = 0, meta_bytes = 0;
    std::uint32_t created = 0, cost_ms = 0;
    std::uint64_t birth = 0;
    Lifetimes lifetimes;
};

inline Key128 store_key(std::uint32_t key) {  // spread over shards, as digests are
    return {.high = (key + 1) * 0x9E3779B97F4A7C15ULL, .low = ~std::uint64_t{key} * 0xC2B2AE3D27D4EB4FULL};
}

// The body from `offset` on. Words of 8 bytes, none of which another version or place has.
inline void fill_body(const Version& version, std::uint64_t offset, char* into, std::size_t bytes) {
    const std::uint64_t whose = version.key * 0x9E3779B97F4A7C15ULL ^ version.number * 0xC2B2AE3D27D4EB4FULL;
    while (bytes > 0) {
        const auto word = (whose + offset / 8) * 0xD6E8FEB86659FD93ULL;
        const auto within = offset % 8;
        const auto some = std::min<std::size_t>(bytes, 8 - within);
        std::memcpy(into, reinterpret_cast<const char*>(&word) + within, some);
        into += some, offset += some, bytes -= some;
    }
}
inline std::string body_of(const Version& version) {
    std::string body(version.bytes, '\0');
    fill_body(version, 0, body.data(), body.size());
    return body;
}
inline bool is_body_of(const Version& version, std::uint64_t offset, std::string_view bytes) {
    std::string expected(bytes.size(), '\0');
    fill_body(version, offset, expected.data(), expected.size());
    return expected == bytes;
}

inline std::string meta_of(const Version& version) {
    auto meta = fmt::format("{}/{}/", version.key, version.number);
    meta.resize(std::max<std::size_t>(meta.size(), version.meta_bytes), static_cast<char>('a' + version.number % 26));
    return meta;
}
// Key and number that a meta tells.
inline std::optional<std::pair<std::uint32_t, std::uint32_t>> told_by(std::string_view meta) {
    std::uint32_t key = 0, number = 0;
    const auto* end = meta.data() + meta.size();
    const auto first = std::from_chars(meta.data(), end, key);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '/') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, number);
    if (second.ec != std::errc{} || second.ptr == end || *second.ptr != '/') return std::nullopt;
    return std::pair{key, number};
}

// What can be purged. Sources and labels are the object's own tags; URL, prefix and glob are of the request that asks.
enum class Target : std::uint8_t { Everything, Source, Label, Url, Prefix, Glob };
inline constexpr std::uint32_t kSources = 5, kLabels = 7, kGroups = 4;

inline Tag tag_of(Target target, std::uint32_t which) {
    using enum Target;
    switch (target) {
        case Source:
            return cache_store::tag_of(TagKind::Source, fmt::format("source {}", which));
        case Label:
            return cache_store::tag_of(TagKind::Label, fmt::format("label {}", which));
        case Url:
            return cache_store::tag_of(TagKind::Url, fmt::format("url {}", which));
        case Prefix:
            return cache_store::tag_of(TagKind::Prefix, fmt::format("prefix {}", which));
        case Everything:
        case Glob:
            break;
    }
    return Tag{};
}
inline std::vector<Tag> object_tags(std::uint32_t key) {
    return {tag_of(Target::Source, key % kSources), tag_of(Target::Label, key % kLabels)};
}
inline std::vector<Tag> request_tags(std::uint32_t key) {
    return {tag_of(Target::Url, key), tag_of(Target::Prefix, key % kGroups)};
}
inline std::string request_path(std::uint32_t key) { return fmt::format("site/group{}/key{}", key % kGroups, key); }

inline bool concerns(Target target, std::uint32_t which, std::uint32_t key) {
    switch (target) {
        case Target::Everything:
            return true;
        case Target::Source:
            return key % kSources == which;
        case Target::Label:
            return key % kLabels == which;
        case Target::Url:
            return key == which;
        case Target::Prefix:
        case Target::Glob:
            return key % kGroups == which;
    }
    return false;
}
inline Purge purge_of(Purge::Effect effect, Target target, std::uint32_t which) {
    Purge purge{.effect = effect};
    if (target == Target::Everything) {
        purge.everything = true;
    } else if (target == Target::Glob) {
        purge.globs.push_back(fmt::format("site/group{}/*", which));
    } else {
        purge.tags.push_back(tag_of(target, which));
    }
    return purge;
}

inline ObjectPtr object_of(const Version& version) {
    return std::make_shared<const Object>(Object{.meta = meta_of(version),
                                                 .body = make_blob(body_of(version)),
                                                 .cost_ms = version.cost_ms,
                                                 .created = WallTime(std::chrono::seconds(version.created)),
                                                 .lifetimes = version.lifetimes,
                                                 .birth = version.birth,
                                                 .tags = object_tags(version.key)});
}

}  // namespace selvage::torture
