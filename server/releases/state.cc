#include "server/releases/state.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace selvage::releases {
namespace {

// What is copied in pieces, over a slow line, is one release.
constexpr std::chrono::seconds kOneRelease{120};

}  // namespace

http::Fingerprint fingerprint_of(const Record& record) {
    return record.fingerprinted ? http::fingerprint_of(record.path) : http::Fingerprint{};
}

std::string pages_dictionary_path(const Sha256& content) {
    return std::string(kPagesDictionaryFolder) + "pages-" + hex(content).substr(0, 16) + ".dict";
}

Seen seen_of(const Record& record) {
    return {.path = record.path, .content = record.content, .size = record.size, .modified = record.modified};
}

State::State(std::vector<Record> records, const Kept& kept) {
    for (Record& record : records) {
        release_ = std::max(release_, record.last);
        changed_ = std::max(changed_, record.since);
        if (!record.gone || kept(record.content)) paths_[record.path].push_back(std::move(record));
    }
    recount();
}

bool State::take_in(const std::vector<Present>& build, WallTime now, std::vector<Seen>& fresh) {
    bool changed = mark_gone(build, now);
    for (const Present& file : build) changed = mark_present(file, now, fresh) || changed;
    return set_offerings() || changed;
}

bool State::mark_gone(const std::vector<Present>& build, WallTime now) {
    std::set<std::pair<std::string_view, Sha256>> present;
    for (const Present& file : build) present.emplace(file.path, file.content);
    bool changed = false;
    for (auto& [path, records] : paths_) {
        for (Record& record : records) {
            if (record.gone || present.contains({path, record.content})) continue;
            record.gone = now;
            changed = true;
        }
    }
    return changed;
}

bool State::mark_present(const Present& file, WallTime now, std::vector<Seen>& fresh) {
    Records& records = paths_[file.path];
    const auto known = std::ranges::find(records, file.content, &Record::content);
    // Pages change every day, or every hour: no release is counted for them, whose number is what dictionaries of scripts live
    // by.
    const bool of_a_build = !is_for_pages(file.offering);
    if (known != records.end()) {
        const bool returned = std::exchange(known->gone, std::nullopt).has_value();
        const bool same = known->fingerprinted == file.fingerprinted && known->modified == file.modified &&
                          is_for_pages(known->offering) == is_for_pages(file.offering);
        known->fingerprinted = file.fingerprinted;
        known->modified = file.modified;
        if (!same) known->offering = file.offering;
        if (returned && of_a_build) begin_release(now);
        std::rotate(known, known + 1, records.end());
        return returned || !same;
    }
    if (of_a_build) begin_release(now);
    records.push_back({.path = file.path,
                       .content = file.content,
                       .size = file.size,
                       .modified = file.modified,
                       .since = now,
                       .first = release_,
                       .last = release_,
                       .gone = {},
                       .fingerprinted = file.fingerprinted,
                       .compressible = file.compressible,
                       .offering = file.offering});
    if (of_a_build) fresh.push_back(seen_of(records.back()));
    return true;
}

void State::begin_release(WallTime now) {
    if (release_ == 0 || now - changed_ > kOneRelease) ++release_;
    changed_ = now;
}

// Of what the folder has now. What is gone keeps what it offered, as that is what clients may have.
bool State::set_offerings() {
    std::vector<Record*> present;
    std::vector<Candidate> build;
    for (auto& [path, records] : paths_) {
        Record& record = records.back();
        if (record.gone) continue;
        record.last = release_;
        if (is_for_pages(record.offering)) continue;
        const http::Fingerprint fingerprint = fingerprint_of(record);
        present.push_back(&record);
        build.push_back({.path = path,
                         .size = record.size,
                         .compressible = record.compressible,
                         .fingerprint = fingerprint,
                         .lineage = lineage_of(path, fingerprint)});
    }
    const std::vector<Offering> offerings = offerings_of(build);
    bool changed = false;
    for (std::size_t i = 0; i < present.size(); ++i) {
        changed = std::exchange(present[i]->offering, offerings[i]) != offerings[i] || changed;
    }
    return changed;
}

bool State::is_wanted(const Record& record, const Limits& limits, const Kept& kept, WallTime now) const {
    if (!record.gone) return true;
    if (!kept(record.content)) return false;
    if (record.offering == Offering::Page) return now - *record.gone < limits.pages;
    if (record.fingerprinted && now - *record.gone < limits.keep) return true;
    if (record.offering == Offering::Site) return false;
    return record.offering != Offering::None && release_ - record.last <= limits.builds;
}

bool State::drop_old(const Limits& limits, const Kept& kept, WallTime now) {
    std::vector<WallTime> leaving;
    std::size_t count = 0, dropped = 0;
    for (auto& [path, records] : paths_) {
        dropped += std::erase_if(records, [&](const Record& record) { return !is_wanted(record, limits, kept, now); });
        count += records.size();
        for (const Record& record : records) {
            if (record.gone) leaving.push_back(*record.gone);
        }
    }
    if (count > limits.records && !leaving.empty()) {
        const std::size_t excess = std::min(count - limits.records, leaving.size());
        std::ranges::nth_element(leaving, leaving.begin() + static_cast<std::ptrdiff_t>(excess - 1));
        const WallTime latest = leaving[excess - 1];
        for (auto& [path, records] : paths_) {
            dropped += std::erase_if(records, [&](const Record& record) { return record.gone && *record.gone <= latest; });
        }
    }
    std::erase_if(paths_, [](const auto& entry) { return entry.second.empty(); });
    return dropped != 0;
}

bool State::has_gone(std::string_view path) const {
    const auto records = paths_.find(path);
    return records != paths_.end() &&
           std::ranges::any_of(records->second, [](const Record& record) { return record.gone.has_value(); });
}

bool State::drop_gone(std::string_view path) {
    const auto records = paths_.find(path);
    if (records == paths_.end()) return false;
    const std::size_t dropped = std::erase_if(records->second, [](const Record& record) { return record.gone.has_value(); });
    if (records->second.empty()) paths_.erase(records);
    return dropped != 0;
}

void State::recount() {
    contents_.clear();
    by_lineage_.clear();
    by_place_.clear();
    for (const auto& [path, records] : paths_) {
        for (const Record& record : records) {
            const auto [content, first] = contents_.try_emplace(record.content, Known{record.gone, record.size});
            std::optional<WallTime>& gone = content->second.gone;
            if (!first && gone) gone = record.gone ? std::max(gone, record.gone) : std::nullopt;
            if (record.offering == Offering::None || is_for_pages(record.offering)) continue;
            const http::Fingerprint fingerprint = fingerprint_of(record);
            const Advertised advertised{.content = record.content,
                                        .size = record.size,
                                        .first = record.first,
                                        .last = record.last,
                                        .since = record.since,
                                        .gone = record.gone.has_value()};
            by_lineage_[lineage_of(path, fingerprint)].push_back(advertised);
            const auto place = record.offering == Offering::Place ? place_of(path, fingerprint) : std::nullopt;
            if (place) by_place_[*place].push_back(advertised);
        }
    }
}

const Record* State::latest(std::string_view path) const {
    const auto records = paths_.find(path);
    return records == paths_.end() ? nullptr : &records->second.back();
}

const Record* State::pages_dictionary() const {
    for (auto each = paths_.lower_bound(kPagesDictionaryFolder);
         each != paths_.end() && each->first.starts_with(kPagesDictionaryFolder); ++each) {
        const Record& record = each->second.back();
        if (record.offering == Offering::Site && !record.gone) return &record;
    }
    return nullptr;
}

const Record* State::find(std::string_view path, const Sha256& content) const {
    const auto records = paths_.find(path);
    if (records == paths_.end()) return nullptr;
    const auto record = std::ranges::find(records->second, content, &Record::content);
    return record == records->second.end() ? nullptr : &*record;
}

std::vector<Sha256> State::before(const Record& record) const {
    const http::Fingerprint fingerprint = fingerprint_of(record);
    std::vector<Advertised> found;
    const auto add = [&](const std::vector<Advertised>& advertised) {
        for (const Advertised& each : advertised) {
            if (each.content != record.content && (each.gone || each.first < record.first)) found.push_back(each);
        }
    };
    if (const auto same = by_lineage_.find(lineage_of(record.path, fingerprint)); same != by_lineage_.end()) add(same->second);
    // A client that had nothing of this name has what was offered for the whole folder.
    const auto place = place_of(record.path, fingerprint);
    if (const auto all = place ? by_place_.find(*place) : by_place_.end(); found.empty() && all != by_place_.end())
        add(all->second);
    std::ranges::sort(found, [](const Advertised& left, const Advertised& right) {
        return std::tuple(right.last, right.since, right.size, right.content) <
               std::tuple(left.last, left.since, left.size, left.content);
    });
    std::vector<Sha256> contents;
    for (const Advertised& each : found) {
        if (std::ranges::find(contents, each.content) == contents.end()) contents.push_back(each.content);
    }
    return contents;
}

std::vector<Record> State::records() const {
    std::vector<Record> all;
    for (const auto& [path, records] : paths_) all.insert(all.end(), records.begin(), records.end());
    return all;
}

}  // namespace selvage::releases
