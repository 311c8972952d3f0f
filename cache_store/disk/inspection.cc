#include "cache_store/disk/inspection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "cache_store/disk/inspected_file.h"
#include "cache_store/disk/inspected_segment.h"
#include "cache_store/disk/log_folder.h"
#include "cache_store/purge/purge_journal.h"

namespace selvage::cache_store {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr int kMostReadings = 4;
constexpr std::array kJournalNames = {"purges.0", "purges.1"};

std::unexpected<Error> cannot_open(const std::string& folder) {
    const int code = errno;
    const auto kind = code == ENOENT || code == ENOTDIR ? ErrorKind::NotFound : ErrorKind::Forbidden;
    const auto why = code == ENOENT ? "there is no store" : std::generic_category().message(code);
    return fail(kind, fmt::format("{}: {}", folder, why));
}

// Does a process hold the lock? Taking it to find out would keep a server that starts now from its cache; the kernel lists who
// has which (proc(5)), of the processes that this one may see.
bool somebody_has(const std::string& lock) {
    struct stat status{};
    if (::stat(lock.c_str(), &status) != 0) return false;
    const auto inode = fmt::format(":{} ", status.st_ino);
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        if (line.find("FLOCK") != std::string::npos && line.find(inode) != std::string::npos) return true;
    }
    return false;
}

struct SmallFile {
    bool there = false;
    std::string bytes;
    std::uint64_t blocks = 0;
};

SmallFile read_small(int log, const std::string& name) {
    auto file = InspectedFile::open(log, name);
    if (!file) return {.there = errno != ENOENT};
    return {.there = true, .bytes = std::string(file->read(0, file->bytes())), .blocks = file->blocks()};
}

// `judge`: empty when it is sound. A file that is not is read again, until it says the same twice.
void look_at(int log, const std::string& name, Inspection& inspection,
             const std::function<std::string(const SmallFile&)>& judge) {
    std::optional<SmallFile> before;
    for (int reading = 0; reading < kMostReadings; ++reading) {
        auto now = read_small(log, name);
        if (!now.there) return;
        const auto fault = judge(now);
        const bool steady = before && before->bytes == now.bytes;
        if (fault.empty() || steady || reading + 1 == kMostReadings) {
            inspection.bytes += now.blocks;
            const auto kind = steady ? Finding::Kind::Wrong : Finding::Kind::InUse;
            if (!fault.empty()) inspection.findings.push_back({.kind = kind, .file = name, .what = fault});
            return;
        }
        before = std::move(now);
    }
}

Result<void> look_at_superblocks(int log, Inspection& inspection) {
    std::array<std::string, 2> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        look_at(log, kSuperblockNames[i], inspection, [&](const SmallFile& file) {
            bytes[i] = file.bytes;
            const auto parsed = parse_superblock(file.bytes);
            return parsed ? std::string() : fmt::format("the superblock is {}", name_of(parsed.error()));
        });
    }
    const auto chosen = choose_superblock(bytes[0], bytes[1]);
    if (chosen) {
        inspection.superblock = *chosen;
    } else if (chosen.error() == BadRecord::Future) {
        return fail(ErrorKind::Unsupported, inspection.log + ": the store is of a later version");
    } else if (chosen.error() == BadRecord::Nothing) {
        inspection.findings.push_back({.file = kSuperblockNames[0], .what = "there is no superblock"});
    }
    return {};
}

void look_at_journals(int log, Inspection& inspection) {
    for (const char* const name : kJournalNames) {
        look_at(log, name, inspection, [&](const SmallFile& file) -> std::string {
            const auto parsed = parse_journal(file.bytes, FloorBounds{});
            if (!parsed)
                return parsed.error() == BadJournal::Future ? "the journal is of a later version" : "the journal is corrupt";
            inspection.purge_sequence = std::max(inspection.purge_sequence, parsed->sequence);
            inspection.floors = inspection.floors.merged(parsed->floors, FloorBounds{});
            if (parsed->damaged) return fmt::format("what lies behind {} bytes is corrupt", parsed->sound_bytes);
            return {};
        });
        struct stat status{};
        if (::fstatat(log, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            inspection.journal_bytes += static_cast<std::uint64_t>(status.st_size);
    }
}

void look_at_segments(const InspectedStore& store, const LogNames& names, Depth depth, Inspection& inspection) {
    for (const auto number : names.segments) {
        auto report = inspect_segment(store, number, depth);
        if (!report) continue;
        inspection.bytes += report->blocks;
        inspection.segments.push_back(std::move(report->segment));
        std::ranges::move(report->findings, std::back_inserter(inspection.findings));
    }
    std::ranges::sort(inspection.segments,
                      [](const auto& left, const auto& right) { return left.generation < right.generation; });
}

// Parts of the objects that count; without them a look-up is a miss.
void look_at_parts(Inspection& inspection) {
    const CurrentRecords current(inspection);
    std::vector<Finding> found;
    for_each_object(inspection, current, [&](const InspectedObject& object) {
        if (object.parts_missing == 0) return;
        found.push_back({.kind = Finding::Kind::Incomplete,
                         .file = segment_name(object.segment),
                         .offset = object.offset,
                         .what = fmt::format("the object misses {} of its parts", object.parts_missing)});
    });
    std::ranges::sort(found, {}, [](const Finding& finding) { return std::tie(finding.file, finding.offset); });
    std::ranges::move(found, std::back_inserter(inspection.findings));
}

}  // namespace

std::string_view name_of(InspectedSegment::State state) {
    switch (state) {
        case InspectedSegment::State::Empty:
            return "empty";
        case InspectedSegment::State::Open:
            return "open";
        case InspectedSegment::State::Sealed:
            return "sealed";
        case InspectedSegment::State::Foreign:
            return "foreign";
        case InspectedSegment::State::Bad:
            return "bad";
    }
    return "bad";
}

std::string_view name_of(Finding::Kind kind) {
    switch (kind) {
        case Finding::Kind::Wrong:
            return "wrong";
        case Finding::Kind::InUse:
            return "in use";
        case Finding::Kind::Incomplete:
            return "incomplete";
    }
    return "wrong";
}

Result<Inspection> inspect(const std::string& folder, Depth depth) {
    Inspection inspection{.log = folder + "/objects/log-1"};
    const FileDescriptor log(::open(inspection.log.c_str(), kFolderFlags));
    if (!log) return cannot_open(folder);
    const auto names = TRY(list_log(log.number()));
    inspection.running = somebody_has(folder + "/objects/lock");
    TRY(look_at_superblocks(log.number(), inspection));
    look_at_journals(log.number(), inspection);
    for (const auto& name : names.others) {
        struct stat status{};
        if (::fstatat(log.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
            inspection.bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    look_at_segments({log.number(), inspection.superblock, inspection.running}, names, depth, inspection);
    if (depth == Depth::EveryByte) look_at_parts(inspection);
    return inspection;
}

// ---- which records count

CurrentRecords::CurrentRecords(const Inspection& inspection) {
    for (const auto& segment : inspection.segments) {
        for (const auto& entry : segment.entries) {
            all_bytes_ += entry.record_length;
            switch (entry.type) {
                case RecordType::Object:
                    objects_[entry.key] = {&segment, entry};
                    lifetimes_.erase(entry.key);
                    break;
                case RecordType::Part:
                    parts_[entry.key] = {&segment, entry};
                    break;
                case RecordType::Lifetimes:
                    if (objects_.contains(entry.key)) lifetimes_[entry.key] = {&segment, entry};
                    break;
                case RecordType::Tombstone:
                    objects_.erase(entry.key);
                    lifetimes_.erase(entry.key);
                    break;
                case RecordType::Resumption:
                    break;
            }
        }
    }
}

namespace {

const CurrentRecords::Place* find_in(const std::unordered_map<Key128, CurrentRecords::Place>& records, const Key128& key) {
    const auto found = records.find(key);
    return found == records.end() ? nullptr : &found->second;
}

// Reads records of an inspection's segments; one file after the other, as they were opened by the first who asked.
class Segments {
public:
    explicit Segments(const std::string& log) : log_(::open(log.c_str(), kFolderFlags)) {}

    // The record's head, when it is still the one that was listed.
    struct Head {
        RecordHeader header;
        std::string_view bytes;  // until the next call
    };
    std::optional<Head> head(const CurrentRecords::Place& place) {
        auto* const file = open(place.segment->number);
        if (file == nullptr) return std::nullopt;
        const auto bytes = file->read(place.entry.offset, std::min<std::size_t>(place.entry.record_length, kLargestRecordHead));
        const auto header = parse_record_head(bytes);
        const bool same = header && toc_entry(*header, place.entry.offset) == place.entry &&
                          header->generation >= place.segment->generation && header->generation <= place.segment->last_generation;
        if (!same) return std::nullopt;
        return Head{*header, bytes};
    }

private:
    InspectedFile* open(std::uint32_t number) {
        if (!file_ || number_ != number) file_ = InspectedFile::open(log_.number(), segment_name(number));
        number_ = number;
        return file_ ? &*file_ : nullptr;
    }
    FileDescriptor log_;
    std::optional<InspectedFile> file_;
    std::uint32_t number_ = 0;
};

void look_for_parts(InspectedObject& object, const CurrentRecords& current) {
    const auto& header = object.header;
    if (header.part_length == 0) return;
    const auto parts = (header.body_length - 1) / header.part_length + 1;
    for (std::uint64_t number = 0; number < parts; ++number) {
        const auto* const part = current.part(part_key(header.key, header.body_checksum, static_cast<std::uint32_t>(number)));
        if (part == nullptr) {
            ++object.parts_missing;
        } else {
            object.stored_bytes += part->entry.record_length;
        }
    }
}

void look_for_lifetimes(InspectedObject& object, const CurrentRecords& current, Segments& segments) {
    const auto* const place = current.lifetimes(object.header.key);
    const auto newer = place != nullptr ? segments.head(*place) : std::nullopt;
    if (!newer || newer->header.created != object.header.created) return;
    object.header.lifetimes = newer->header.lifetimes;
    object.stored_bytes += newer->header.record_length;
}

InspectedObject described(const CurrentRecords::Place& place, const Segments::Head& head, const CurrentRecords& current,
                          Segments& lifetimes) {
    InspectedObject object{.segment = place.segment->number,
                           .offset = place.entry.offset,
                           .header = head.header,
                           .meta = std::string(record_meta(head.header, head.bytes)),
                           .tags = record_tags(head.header, head.bytes),
                           .stored_bytes = head.header.record_length};
    look_for_parts(object, current);
    look_for_lifetimes(object, current, lifetimes);
    return object;
}

}  // namespace

std::optional<InspectedObject> read_object(const Inspection& inspection, const CurrentRecords& current, const Key128& key) {
    const CurrentRecords::Place* const place = current.object(key);
    if (place == nullptr) return std::nullopt;
    Segments objects(inspection.log), lifetimes(inspection.log);
    const auto head = objects.head(*place);
    return head ? std::optional(described(*place, *head, current, lifetimes)) : std::nullopt;
}

const CurrentRecords::Place* CurrentRecords::object(const Key128& key) const { return find_in(objects_, key); }
const CurrentRecords::Place* CurrentRecords::part(const Key128& part_key) const { return find_in(parts_, part_key); }
const CurrentRecords::Place* CurrentRecords::lifetimes(const Key128& key) const { return find_in(lifetimes_, key); }

std::size_t for_each_object(const Inspection& inspection, const CurrentRecords& current,
                            const std::function<void(const InspectedObject&)>& visit) {
    std::vector<const CurrentRecords::Place*> places;
    places.reserve(current.objects().size());
    for (const auto& [key, place] : current.objects()) places.push_back(&place);
    std::ranges::sort(places, {}, [](const auto* place) { return std::pair(place->segment, place->entry.offset); });

    Segments objects(inspection.log), lifetimes(inspection.log);
    std::size_t passed_over = 0;
    for (const auto* const place : places) {
        const auto head = objects.head(*place);
        if (!head) {
            ++passed_over;
            continue;
        }
        InspectedObject object = described(*place, *head, current, lifetimes);
        visit(object);
    }
    return passed_over;
}

}  // namespace selvage::cache_store
