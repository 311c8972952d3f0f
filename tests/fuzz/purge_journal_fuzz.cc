// The purge journal: any bytes as a file. Claims: no crash, no more memory than the bytes account for; what is read, written
// again as a journal's image, says the same; and a group appended to sound bytes is read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/purge/purge_journal.h"

using namespace selvage::cache_store;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

Floor of(const Floors& floors, Tag tag) { return floors.of(std::span(&tag, 1), "site/a"); }

void patch(std::string& bytes, std::size_t at, std::uint64_t number) { std::memcpy(bytes.data() + at, &number, sizeof number); }

std::uint64_t checksum_of(const std::string& bytes, std::size_t from, std::size_t length) {
    return selvage::checksum64(std::string_view(bytes).substr(from, length));
}

// The same with right checksums, lengths that fit and this journal's number, so that what lies behind them is reached.
std::string mended(std::string bytes) {
    if (bytes.size() < kJournalHeader) return bytes;
    bytes.replace(0, 8, std::string_view("slvPRG\n\0", 8));
    bytes[16] = 1;
    bytes[17] = bytes[18] = bytes[19] = '\0';
    std::uint64_t image = 0;
    std::memcpy(&image, bytes.data() + 64, sizeof image);
    image = std::min<std::uint64_t>(image, bytes.size() - kJournalHeader);
    patch(bytes, 64, image);
    patch(bytes, 72, checksum_of(bytes, kJournalHeader, image));
    patch(bytes, 8, checksum_of(bytes, 16, kJournalHeader - 16));
    for (std::size_t place = kJournalHeader + image; place + kJournalGroup <= bytes.size();) {
        std::uint32_t length = 0;
        std::memcpy(&length, bytes.data() + place + 4, sizeof length);
        if (length < kJournalGroup || length > bytes.size() - place) break;
        bytes.replace(place + 16, 8, bytes, 24, 8);
        patch(bytes, place + 8, checksum_of(bytes, place + 16, length - 16));
        place += length;
    }
    return bytes;
}

void check(std::string_view bytes) {
    const FloorBounds bounds{.tags = 64, .globs = 8, .glob_bytes = 256};
    const auto contents = parse_journal(bytes, bounds);
    if (!contents) return;
    const Floors& floors = contents->floors;
    require(contents->sound_bytes <= bytes.size());
    require(floors.tags().size() <= bounds.tags && floors.globs().size() <= bounds.globs &&
            floors.glob_bytes() <= bounds.glob_bytes);

    const auto again = parse_journal(encode_journal(7, contents->sequence, floors), bounds);
    require(again && again->sequence == contents->sequence && !again->torn);
    require(again->floors.everything() == floors.everything() && again->floors.globs().size() == floors.globs().size());
    floors.tags().each([&](const TagFloors::Entry& entry) { require(of(again->floors, entry.tag) == of(floors, entry.tag)); });

    std::string longer(bytes.substr(0, contents->sound_bytes));
    longer += encode_group(contents->number, contents->sequence + 1,
                           {.effect = Purge::Effect::Hard, .everything = false, .tags = {Tag{5}}, .globs = {}});
    const auto appended = parse_journal(longer, bounds);
    require(appended && appended->groups > 0 && !appended->torn);
    if (contents->sequence < UINT64_MAX) require(of(appended->floors, Tag{5}).gone >= contents->sequence + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check(bytes);
    check(mended(std::string(bytes)));
    return 0;
}
