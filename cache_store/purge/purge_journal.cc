#include "cache_store/purge/purge_journal.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/digest.h"
#include "cache_store/purge/journal_bytes.h"

namespace selvage::cache_store {
namespace {

static_assert(std::endian::native == std::endian::little, "the journal is little endian");

constexpr std::string_view kMagic("slvPRG\n\0", 8);
constexpr std::string_view kGroupMagic = "slvP";
constexpr std::size_t kChecksummedFrom = 16;  // of header and group

void pad(std::string& bytes) { bytes.append((8 - bytes.size() % 8) % 8, '\0'); }

void take_padding(TakeBytes& bytes, std::size_t taken) { bytes.text((8 - taken % 8) % 8); }

std::string encode_image(const Floors& floors) {
    std::string image;
    image.reserve(floors.tags().size() * 24 + floors.glob_bytes() + floors.globs().size() * 28);
    floors.tags().each([&](const TagFloors::Entry& entry) {
        put_number(image, entry.tag);
        put_number(image, entry.floor.gone);
        put_number(image, entry.floor.stale);
    });
    for (const Floors::GlobFloor& glob : floors.globs()) {
        put_number(image, glob.floor.gone);
        put_number(image, glob.floor.stale);
        put_number(image, static_cast<std::uint32_t>(glob.glob.size()));
        image += glob.glob;
        pad(image);
    }
    return image;
}

struct Header {
    std::uint32_t globs = 0;
    std::uint64_t number = 0, sequence = 0;
    Floor everything;
    std::uint64_t tags = 0, image_bytes = 0, image_checksum = 0;
};

std::expected<Header, BadJournal> parse_header(std::string_view bytes) {
    if (bytes.size() < kJournalHeader || !bytes.starts_with(kMagic)) return std::unexpected(BadJournal::Corrupt);
    TakeBytes take{bytes.substr(8, kJournalHeader - 8)};
    const auto checksum = take.number<std::uint64_t>();
    if (checksum != checksum64(take.rest)) return std::unexpected(BadJournal::Corrupt);
    const auto version = take.number<std::uint32_t>();
    if (version > kJournalVersion) return std::unexpected(BadJournal::Future);
    if (version != kJournalVersion) return std::unexpected(BadJournal::Corrupt);
    Header header;
    header.globs = take.number<std::uint32_t>();
    header.number = take.number<std::uint64_t>();
    header.sequence = take.number<std::uint64_t>();
    header.everything.gone = take.number<std::uint64_t>();
    header.everything.stale = take.number<std::uint64_t>();
    header.tags = take.number<std::uint64_t>();
    header.image_bytes = take.number<std::uint64_t>();
    header.image_checksum = take.number<std::uint64_t>();
    return header;
}

std::optional<Floors> parse_image(const Header& header, std::string_view image, const FloorBounds& bounds) {
    Floors floors;
    floors.raise_everything(header.everything);
    TakeBytes take{image};
    for (std::uint64_t i = 0; i < header.tags && take.ok; ++i) {
        const auto tag = take.number<Tag>();
        const auto gone = take.number<std::uint64_t>();
        const auto stale = take.number<std::uint64_t>();
        if (take.ok) floors.add_tag(tag, {gone, stale}, bounds);
    }
    for (std::uint32_t i = 0; i < header.globs && take.ok; ++i) {
        const auto gone = take.number<std::uint64_t>();
        const auto stale = take.number<std::uint64_t>();
        const auto length = take.number<std::uint32_t>();
        const std::string_view glob = take.text(length);
        take_padding(take, 4 + std::size_t{length});
        if (take.ok) floors.add_glob(glob, {gone, stale}, bounds);
    }
    if (!take.ok || !take.rest.empty()) return std::nullopt;
    return floors;
}

struct Group {
    std::size_t length = 0;
    std::uint64_t sequence = 0;
    Purge purge;
};

std::optional<Purge> parse_purge(TakeBytes take) {
    Purge purge;
    const auto effect = take.number<std::uint8_t>();
    const auto everything = take.number<std::uint8_t>();
    take.number<std::uint16_t>();
    const auto tags = take.number<std::uint32_t>();
    const auto globs = take.number<std::uint32_t>();
    take.number<std::uint32_t>();
    if (!take.ok || effect > 1 || everything > 1 || tags > take.rest.size() / sizeof(Tag)) return std::nullopt;
    purge.effect = effect == 0 ? Purge::Effect::Hard : Purge::Effect::Soft;
    purge.everything = everything == 1;
    purge.tags.reserve(tags);
    for (std::uint32_t i = 0; i < tags; ++i) purge.tags.push_back(take.number<Tag>());
    for (std::uint32_t i = 0; i < globs && take.ok; ++i) {
        purge.globs.emplace_back(take.text(take.number<std::uint32_t>()));
    }
    if (!take.ok || take.rest.size() >= 8) return std::nullopt;
    return purge;
}

// The group at the beginning of `bytes`, when it is sound and of this journal.
std::optional<Group> parse_group(std::string_view bytes, std::uint64_t journal) {
    if (bytes.size() < kJournalGroup || !bytes.starts_with(kGroupMagic)) return std::nullopt;
    TakeBytes take{bytes.substr(kGroupMagic.size())};
    const auto length = take.number<std::uint32_t>();
    const auto checksum = take.number<std::uint64_t>();
    if (length < kJournalGroup || length % 8 != 0 || length > bytes.size()) return std::nullopt;
    take.rest = bytes.substr(kChecksummedFrom, length - kChecksummedFrom);
    if (checksum != checksum64(take.rest) || take.number<std::uint64_t>() != journal) return std::nullopt;
    Group group{.length = length, .sequence = take.number<std::uint64_t>(), .purge = {}};
    auto purge = parse_purge(take);
    if (!purge) return std::nullopt;
    group.purge = *std::move(purge);
    return group;
}

// Where the next sound group begins at or behind `from`; the end of the bytes when there is none.
std::size_t next_group(std::string_view bytes, std::size_t from, std::uint64_t journal) {
    for (; from < bytes.size(); from += 8) {
        if (bytes.substr(from).starts_with(kGroupMagic) && parse_group(bytes.substr(from), journal)) return from;
    }
    return bytes.size();
}

void read_groups(std::string_view bytes, JournalContents& contents, const FloorBounds& bounds) {
    std::size_t place = contents.sound_bytes;
    while (place < bytes.size()) {
        if (const auto group = parse_group(bytes.substr(place), contents.number)) {
            contents.damaged = contents.torn;
            contents.floors.add(group->purge, group->sequence, bounds);
            contents.sequence = std::max(contents.sequence, group->sequence);
            ++contents.groups;
            place += group->length;
            if (!contents.torn) contents.sound_bytes = place;
        } else {
            contents.torn = true;
            place = next_group(bytes, place + 8, contents.number);
        }
    }
    if (contents.damaged) contents.floors.raise_everything({.gone = contents.sequence, .stale = 0});
}

}  // namespace

std::string encode_journal(std::uint64_t number, std::uint64_t sequence, const Floors& floors) {
    const std::string image = encode_image(floors);
    std::string body;  // of the header, after its checksum
    put_number(body, kJournalVersion);
    put_number(body, static_cast<std::uint32_t>(floors.globs().size()));
    put_number(body, number);
    put_number(body, sequence);
    put_number(body, floors.everything().gone);
    put_number(body, floors.everything().stale);
    put_number(body, std::uint64_t{floors.tags().size()});
    put_number(body, std::uint64_t{image.size()});
    put_number(body, checksum64(image));
    std::string journal(kMagic);
    put_number(journal, checksum64(body));
    journal += body;
    journal += image;
    return journal;
}

std::string encode_group(std::uint64_t journal, std::uint64_t sequence, const Purge& purge) {
    std::string body;
    put_number(body, journal);
    put_number(body, sequence);
    put_number(body, static_cast<std::uint8_t>(purge.effect == Purge::Effect::Soft));
    put_number(body, static_cast<std::uint8_t>(purge.everything));
    put_number(body, std::uint16_t{0});
    put_number(body, static_cast<std::uint32_t>(purge.tags.size()));
    put_number(body, static_cast<std::uint32_t>(purge.globs.size()));
    put_number(body, std::uint32_t{0});
    for (const Tag tag : purge.tags) put_number(body, tag);
    for (const std::string& glob : purge.globs) {
        put_number(body, static_cast<std::uint32_t>(glob.size()));
        body += glob;
    }
    pad(body);
    std::string group(kGroupMagic);
    put_number(group, static_cast<std::uint32_t>(kChecksummedFrom + body.size()));
    put_number(group, checksum64(body));
    return group += body;
}

std::expected<JournalContents, BadJournal> parse_journal(std::string_view bytes, const FloorBounds& bounds) {
    const auto header = parse_header(bytes);
    if (!header) return std::unexpected(header.error());
    if (header->image_bytes > bytes.size() - kJournalHeader) return std::unexpected(BadJournal::Corrupt);
    const std::string_view image = bytes.substr(kJournalHeader, header->image_bytes);
    if (checksum64(image) != header->image_checksum) return std::unexpected(BadJournal::Corrupt);
    auto floors = parse_image(*header, image, bounds);
    if (!floors) return std::unexpected(BadJournal::Corrupt);

    JournalContents contents;
    contents.number = header->number;
    contents.sequence = header->sequence;
    contents.floors = *std::move(floors);
    contents.sound_bytes = kJournalHeader + image.size();
    read_groups(bytes, contents, bounds);
    return contents;
}

}  // namespace selvage::cache_store
