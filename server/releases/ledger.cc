#include "server/releases/ledger.h"

#include <utility>

#include "server/http/dictionary.h"
#include "server/http/media_types.h"

namespace selvage::releases {

using std::chrono::seconds;

Ledger::Ledger(const std::string& cache_folder, std::string root, const Limits& limits, std::shared_ptr<Contents> contents,
               Log& log, std::function<WallTime()> clock)
    : root_(std::move(root)),
      folder_(cache_folder + "/releases"),
      file_(folder_ + "/" + hex(key_of({root_}))),
      contents_(std::move(contents)),
      log_(log),
      clock_(std::move(clock)),
      limits_(limits) {
    load();
}

Ledger::~Ledger() {
    for (const auto& [content, known] : state_->contents()) contents_->leave(content);
}

WallTime Ledger::now() const {
    return clock_ ? clock_() : std::chrono::time_point_cast<seconds>(std::chrono::system_clock::now());
}

Ledger::StatePtr Ledger::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

Limits Ledger::limits() const {
    const std::lock_guard lock(mutex_);
    return limits_;
}

void Ledger::set_limits(const Limits& limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

void Ledger::keep(const Sha256& content, int descriptor, std::uint64_t size) {
    const auto keeping = contents_->keep(content, descriptor, size, now());
    if (keeping != Contents::Keeping::NoRoom || complained_of_room_.exchange(true)) return;
    log_.warn("releases", "{}: releases.bytes is too little for what it has: not all files stay when a deploy removes them",
              root_);
}

void Ledger::take_in(const std::vector<Present>& build) {
    std::vector<Seen> fresh;
    {
        const std::lock_guard writing(writing_);
        if (build == present_) return;
        present_ = build;
        const WallTime time = now();
        State next = *state();
        bool changed = next.take_in(build, time, fresh);
        changed = next.drop_old(limits(), kept(), time) || changed;
        if (!changed) return;
        replace(std::move(next));
        save();
    }
    if (on_release_ && !fresh.empty()) on_release_(fresh);
}

void Ledger::prune() {
    const std::lock_guard writing(writing_);
    State next = *state();
    if (!next.drop_old(limits(), kept(), now())) return;
    replace(std::move(next));
    save();
}

void Ledger::forget(std::string_view path) {
    if (!state()->has_gone(path)) return;
    const std::lock_guard writing(writing_);
    State next = *state();
    if (!next.drop_gone(path)) return;
    replace(std::move(next));
    save();
}

void Ledger::replace(State state) {
    state.recount();
    const auto next = std::make_shared<const State>(std::move(state));
    const StatePtr before = this->state();
    for (const auto& [content, known] : next->contents()) {
        if (!before->contents().contains(content)) contents_->hold(content);
        contents_->set_gone(content, known.gone);
    }
    {
        const std::lock_guard lock(mutex_);
        state_ = next;
    }
    changes_.fetch_add(1, std::memory_order_release);
    for (const auto& [content, known] : before->contents()) {
        if (!next->contents().contains(content)) contents_->let_go(content);
    }
}

std::optional<Seen> Ledger::removed(std::string_view path) const {
    const StatePtr state = this->state();
    const Record* record = state->latest(path);
    if (record == nullptr || !record->fingerprinted || !contents_->kept(record->content)) return std::nullopt;
    // That it is gone the folder may have noticed before us.
    const WallTime time = now(), until = record->gone.value_or(time) + limits().keep;
    if (until <= time) return std::nullopt;
    Seen seen = seen_of(*record);
    seen.until = until;
    return seen;
}

std::optional<Record> Ledger::latest(std::string_view path) const {
    const StatePtr state = this->state();
    const Record* record = state->latest(path);
    return record != nullptr && contents_->kept(record->content) ? std::optional(*record) : std::nullopt;
}

std::optional<Offer> Ledger::offer_of(std::string_view path, const Sha256& content) const {
    const StatePtr state = this->state();
    const Record* record = state->find(path, content);
    if (record == nullptr || record->offering == Offering::None) return std::nullopt;
    const std::string id = hex(content).substr(0, 16);
    if (is_for_pages(record->offering)) {
        auto match = match_of_pages(path, record->offering);
        if (!match) return std::nullopt;
        return Offer{.match = *std::move(match), .destination = "document", .id = id};
    }
    const http::Fingerprint fingerprint = fingerprint_of(*record);
    const auto place = record->offering == Offering::Place ? place_of(path, fingerprint) : std::nullopt;
    auto match = place ? match_of(*place) : match_of(lineage_of(path, fingerprint));
    if (!match) return std::nullopt;
    return Offer{
        .match = *std::move(match), .destination = http::destination_of(http::media_type_of(path).media_class), .id = id};
}

std::optional<Seen> Ledger::pages_dictionary() const {
    const StatePtr state = this->state();
    const Record* record = state->pages_dictionary();
    if (record == nullptr || !contents_->kept(record->content)) return std::nullopt;
    return seen_of(*record);
}

std::optional<WallTime> Ledger::pages_dictionary_since() const {
    const StatePtr state = this->state();
    const Record* record = state->pages_dictionary();
    if (record == nullptr || !contents_->kept(record->content)) return std::nullopt;
    return record->since;
}

std::optional<std::uint64_t> Ledger::size_of(const Sha256& content) const {
    const StatePtr state = this->state();
    const auto known = state->contents().find(content);
    if (known == state->contents().end() || (known->second.gone && !contents_->kept(content))) return std::nullopt;
    return known->second.size;
}

std::vector<Sha256> Ledger::before(std::string_view path, const Sha256& content) const {
    const StatePtr state = this->state();
    const Record* record = state->find(path, content);
    if (record == nullptr) return {};
    std::vector<Sha256> earlier = state->before(*record);
    std::erase_if(earlier, [this](const Sha256& each) { return !contents_->kept(each); });
    return earlier;
}

Ledger::Stats Ledger::stats() const {
    const StatePtr state = this->state();
    Stats stats{.release = state->release()};
    for (const Record& record : state->records()) ++(record.gone ? stats.gone : stats.present);
    return stats;
}

}  // namespace selvage::releases
