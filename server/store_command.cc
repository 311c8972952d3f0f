#include "server/store_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/units.h"
#include "cache_store/disk/inspection.h"
#include "cache_store/stats.h"

namespace selvage::server {

namespace {

using namespace cache_store;
using nlohmann::json;

constexpr std::array<std::uint32_t, 8> kCostBounds = {1, 2, 10, 50, 100, 500, 1'000, 5'000};  // ms

struct Histogram {
    std::span<const std::uint32_t> bounds;
    std::vector<std::uint64_t> counts;

    explicit Histogram(std::span<const std::uint32_t> its_bounds) : bounds(its_bounds), counts(its_bounds.size() + 1) {}
    void count(std::uint64_t value) {
        ++counts[static_cast<std::size_t>(std::ranges::upper_bound(bounds, value) - bounds.begin())];
    }
};

std::int64_t now_in_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint64_t age_of(const InspectedObject& object, std::int64_t now) {
    const auto created = object.header.created.time_since_epoch().count();
    return created < now ? static_cast<std::uint64_t>(now - created) : 0;
}

// "3d", "2h": for reading, in the largest unit of which there is one.
std::string rough(std::uint64_t seconds) {
    constexpr std::pair<std::uint64_t, char> units[] = {{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}};
    for (const auto& [unit, name] : units) {
        if (seconds >= unit) return fmt::format("{}{}", seconds / unit, name);
    }
    return fmt::format("{}s", seconds);
}

// What is stored is not to move a terminal's cursor.
std::string printable(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return out;
}

// The caller's text when it is lines of "name=value"; else empty.
std::map<std::string, std::string> fields_of(std::string_view meta) {
    std::map<std::string, std::string> fields;
    while (!meta.empty()) {
        const auto line = meta.substr(0, meta.find('\n'));
        meta.remove_prefix(std::min(line.size() + 1, meta.size()));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) return {};
        fields[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    }
    return fields;
}

std::string uuid_text(const Key128& uuid) { return hex(uuid); }

void print(const json& document) { fmt::print("{}\n", document.dump(-1, ' ', false, json::error_handler_t::replace)); }

// ---- ls

json to_json(const InspectedObject& object, std::int64_t now) {
    const auto& header = object.header;
    json meta = json::object();
    for (const auto& [name, value] : fields_of(object.meta)) meta[name] = value;
    return {{"key", hex(header.key)},
            {"bytes", header.body_length},
            {"age", age_of(object, now)},
            {"created", header.created.time_since_epoch().count()},
            {"cost_ms", header.cost_ms},
            {"birth", header.birth},
            {"fresh_until", header.lifetimes.fresh_until},
            {"stale_while_revalidate_until", header.lifetimes.while_revalidate_until},
            {"stale_if_error_until", header.lifetimes.if_error_until},
            {"tags", object.tags.size()},
            {"segment", object.segment},
            {"offset", object.offset},
            {"parts_missing", object.parts_missing},
            {"meta", std::move(meta)}};
}

void print_line(const InspectedObject& object, std::int64_t now) {
    const auto fields = fields_of(object.meta);
    const auto field = [&](const char* name) {
        const auto found = fields.find(name);
        return found == fields.end() || found->second.empty() ? std::string("-") : printable(found->second);
    };
    fmt::print("{}  {:>10}  {:>4}  {:>6}ms  segment {:<5}  {}", hex(object.header.key), object.header.body_length,
               rough(age_of(object, now)), object.header.cost_ms, object.segment, field("type"));
    if (fields.contains("for")) fmt::print("  {}", field("for"));
    if (object.parts_missing > 0) fmt::print("  incomplete");
    fmt::print("\n");
}

int list(const Inspection& inspection, const StoreCommand& command) {
    std::vector<InspectedObject> objects;
    for_each_object(inspection, CurrentRecords(inspection), [&](const InspectedObject& object) { objects.push_back(object); });
    const auto later = [](const InspectedObject& left, const InspectedObject& right) {
        return std::tuple(left.header.created, left.header.generation, left.offset) >
               std::tuple(right.header.created, right.header.generation, right.offset);
    };
    std::ranges::sort(objects, later);
    if (command.limit && objects.size() > *command.limit)
        objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(*command.limit), objects.end());
    const auto now = now_in_seconds();
    for (const auto& object : objects) {
        if (command.json) {
            print(to_json(object, now));
        } else {
            print_line(object, now);
        }
    }
    return 0;
}

// ---- stat

struct Summary {
    std::uint64_t objects = 0, object_bytes = 0, live_bytes = 0, incomplete = 0;
    Histogram ages{kAgeBounds}, costs{kCostBounds};
};

Summary summary_of(const Inspection& inspection, const CurrentRecords& current) {
    Summary summary;
    const auto now = now_in_seconds();
    for_each_object(inspection, current, [&](const InspectedObject& object) {
        ++summary.objects;
        summary.object_bytes += object.header.body_length;
        summary.live_bytes += object.stored_bytes;
        if (object.parts_missing > 0) ++summary.incomplete;
        summary.ages.count(age_of(object, now));
        summary.costs.count(object.header.cost_ms);
    });
    return summary;
}

double fill_of(const InspectedSegment& segment) {
    return segment.file_bytes == 0 ? 0 : static_cast<double>(segment.end) / static_cast<double>(segment.file_bytes);
}

json to_json(const InspectedSegment& segment) {
    return {{"number", segment.number},         {"state", name_of(segment.state)}, {"generation", segment.generation},
            {"opened_at", segment.opened_at},   {"bytes", segment.file_bytes},     {"end_of_records", segment.end},
            {"records", segment.entries.size()}};
}

json to_json(const Histogram& histogram) {
    return {{"below", std::vector<std::uint32_t>(histogram.bounds.begin(), histogram.bounds.end())},
            {"counts", histogram.counts}};
}

json to_json(const Inspection& inspection, const Summary& summary, std::uint64_t all_records) {
    json document = {{"folder", inspection.log},
                     {"running", inspection.running},
                     {"bytes", inspection.bytes},
                     {"objects", summary.objects},
                     {"object_bytes", summary.object_bytes},
                     {"incomplete", summary.incomplete},
                     {"live_bytes", summary.live_bytes},
                     {"dead_bytes", all_records - summary.live_bytes},
                     {"purge_sequence", inspection.purge_sequence},
                     {"purge_journal_bytes", inspection.journal_bytes},
                     {"age_seconds", to_json(summary.ages)},
                     {"cost_ms", to_json(summary.costs)},
                     {"findings", inspection.findings.size()}};
    if (inspection.superblock) {
        document["uuid"] = uuid_text(inspection.superblock->uuid);
        document["version"] = kStoreVersion;
        document["serial"] = inspection.superblock->serial;
        document["segment_bytes"] = inspection.superblock->segment_bytes;
        document["most_segments"] = inspection.superblock->segments;
    }
    document["segments"] = json::array();
    for (const auto& segment : inspection.segments) document["segments"].push_back(to_json(segment));
    return document;
}

void print_row(const char* name, const std::string& value) { fmt::print("{:<12} {}\n", name, value); }

void print_histogram(const char* name, const Histogram& histogram, std::string (*text)(std::uint64_t)) {
    fmt::print("{:<12}", name);
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        const bool last = i == histogram.bounds.size();
        const auto bound = text(histogram.bounds[last ? i - 1 : i]);
        fmt::print(" {}{}:{}", last ? ">=" : "<", bound, histogram.counts[i]);
    }
    fmt::print("\n");
}

void print_segments(const Inspection& inspection) {
    if (!inspection.segments.empty()) fmt::print("\nsegment  generation  state    records  fill  opened\n");
    for (const auto& segment : inspection.segments) {
        const auto opened =
            segment.opened_at == 0 ? std::string("-") : fmt::format("{:%F %T}Z", fmt::gmtime(std::time_t{segment.opened_at}));
        fmt::print("{:>7}  {:>10}  {:<7}  {:>7}  {:>3.0f}%  {}\n", segment.number, segment.generation, name_of(segment.state),
                   segment.entries.size(), fill_of(segment) * 100, opened);
    }
}

int summarise(const Inspection& inspection, const StoreCommand& command) {
    const CurrentRecords current(inspection);
    const auto summary = summary_of(inspection, current);
    if (command.json) {
        print(to_json(inspection, summary, current.all_bytes()));
        return 0;
    }
    print_row("store", inspection.log);
    print_row("running", inspection.running ? "yes" : "no, as far as can be seen");
    if (const auto& superblock = inspection.superblock) {
        print_row("identity", uuid_text(superblock->uuid));
        print_row("format", fmt::format("version {}, superblock {}", kStoreVersion, superblock->serial));
        print_row("geometry", fmt::format("{} segments of {}", superblock->segments, format_size(superblock->segment_bytes)));
    } else {
        print_row("geometry", "not known: no superblock is sound");
    }
    print_row("files", fmt::format("{} bytes, {} segments", inspection.bytes, inspection.segments.size()));
    print_row("objects", fmt::format("{} of {} bytes; {} miss parts", summary.objects, summary.object_bytes, summary.incomplete));
    print_row("records", fmt::format("{} bytes live, {} dead", summary.live_bytes, current.all_bytes() - summary.live_bytes));
    print_row("purges", fmt::format("sequence {}, journal of {} bytes", inspection.purge_sequence, inspection.journal_bytes));
    print_histogram("age", summary.ages, rough);
    print_histogram("cost", summary.costs, [](std::uint64_t cost) { return fmt::format("{}ms", cost); });
    print_segments(inspection);
    return 0;
}

// ---- verify

int verify(const Inspection& inspection, const StoreCommand& command) {
    std::size_t records = 0, wrong = 0;
    for (const auto& segment : inspection.segments) records += segment.entries.size();
    json findings = json::array();
    for (const auto& finding : inspection.findings) {
        if (finding.kind == Finding::Kind::Wrong) ++wrong;
        if (command.json) {
            findings.push_back(
                {{"kind", name_of(finding.kind)}, {"file", finding.file}, {"offset", finding.offset}, {"what", finding.what}});
        } else {
            fmt::print("{}: {} at {}: {}\n", name_of(finding.kind), finding.file, finding.offset, finding.what);
        }
    }
    if (command.json) {
        print({{"folder", inspection.log},
               {"segments", inspection.segments.size()},
               {"records", records},
               {"wrong", wrong},
               {"findings", findings}});
    } else {
        fmt::print("{} records in {} segments: {}\n", records, inspection.segments.size(),
                   wrong == 0 ? std::string("nothing is wrong") : fmt::format("{} wrong", wrong));
    }
    return wrong == 0 ? 0 : 1;
}

}  // namespace

int run_store_command(const StoreCommand& command) {
    using Verb = StoreCommand::Verb;
    const auto inspection = inspect(command.folder, command.verb == Verb::Verify ? Depth::EveryByte : Depth::Contents);
    if (!inspection) {
        fmt::print(stderr, "selvage: {}\n", inspection.error().detail);
        return 1;
    }
    if (command.verb == Verb::Verify) return verify(*inspection, command);
    if (!inspection->findings.empty())
        fmt::print(stderr, "selvage: {} findings; `selvage cache verify` lists them\n", inspection->findings.size());
    return command.verb == Verb::List ? list(*inspection, command) : summarise(*inspection, command);
}

}  // namespace selvage::server
