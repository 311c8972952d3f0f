#pragma once

#include <fcntl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "cache_store/two_tiers.h"
#include "tests/cache_store/torture/dice.h"
#include "tests/cache_store/torture/model.h"

namespace selvage::torture {

using cache_store::Found;
using cache_store::Keep;
using cache_store::Limits;
using cache_store::NotStored;
using cache_store::Store;

// What a trial works with. Small, so that every part of the store is come by within a few hundred steps: five segments of a
// mebibyte, parts of a quarter of one, and memory for less than a tenth of what is put.
struct Shape {
    Limits limits{.memory_bytes = 3ULL << 20, .disk_bytes = 9ULL << 20, .disk_write_rate = 0};
    std::uint32_t keys = 48;
    std::uint32_t smallest = 0, largest = 48'000;  // bodies; one in 40 is ten times as large
    bool interrupted = false;                      // look-ups and puts in the midst of the store's system calls
};

// A store under a random workload, and the model beside it. Everything that happens follows from the dice.
class Trial {
public:
    Trial(std::string folder, const Shape& shape, Dice dice)
        : folder_(std::move(folder)), shape_(shape), dice_(std::move(dice)) {}

    Model model;
    std::vector<std::string> wrong;  // what was served and should not have been
    std::uint64_t hits = 0, misses = 0;

    Store& store() { return *store_; }
    Dice& dice() { return dice_; }
    bool is_open() const { return store_ != nullptr; }

    void open(cache_store::FileSystem& files) {
        cache_store::Clocks clocks{.steady = [this] { return SteadyTime(std::chrono::milliseconds(now_.load())); },
                                   .wall = [this] { return WallTime(std::chrono::seconds(kEpoch + now_.load() / 1000)); }};
        early_birth_ = 0;
        store_ = cache_store::open_two_tiers(folder_, shape_.limits, log_, files, std::move(clocks));
        if (store_->sequence() >= model.newest_purge() || !store_->stats().disk.online) return;
        if (!may_be_cold)
            wrong.push_back(fmt::format("the store knows {} purges of {}", store_->sequence(), model.newest_purge()));
        model.apply({.kind = Event::Kind::Cold});
    }
    // In order; `healthy`: what it wrote is there.
    void close(bool healthy) {
        interrupting_ = true;  // the last call: nobody is there any more
        store_->close();
        store_.reset();
        interrupting_ = false;
        model.apply({.kind = healthy ? Event::Kind::Closed : Event::Kind::Crashed});
    }
    // The store never learns of it: its disk has to be cut before.
    void crash() {
        store_.reset();
        model.apply({.kind = Event::Kind::Crashed});
    }
    bool may_be_cold = false;  // the disk was damaged: what was purged may be forgotten, with everything else
    bool unreliable = false;   // the disk may fail while the store is open

    void work_off() {
        for (int round = 0; round < 2000 && (store_->work_waits() || !indexed()); ++round) {
            store_->work();
            advance(std::chrono::milliseconds(20));
        }
    }
    void advance(std::chrono::milliseconds step) { now_ += step.count(); }

    void fetch_all() {
        for (std::uint32_t key = 0; key < shape_.keys; ++key) look(key, Way::Fetch);
    }
    // Every key there ever was, by every way there is.
    void read_all() {
        for (std::uint32_t key = 0; key < shape_.keys; ++key) {
            look(key, Way::Find);
            look(key, Way::FetchNow);
            look(key, Way::Open);
            look(key, Way::Fetch);
        }
    }

    // As step(), but the store stays as it was opened.
    void step_within_limits() {
        steady_limits_ = true;
        step();
    }
    void put_and_work() {
        put();
        if (dice_.one_in(8)) work();
    }

    void step() {
        struct Row {
            std::uint32_t weight;
            void (Trial::*act)();
        };
        static constexpr std::array kRows = {
            Row{40, &Trial::put},      Row{25, &Trial::look_up}, Row{5, &Trial::refresh},  Row{4, &Trial::erase},
            Row{6, &Trial::purge},     Row{25, &Trial::work},    Row{6, &Trial::let_pass}, Row{1, &Trial::change_limits},
            Row{1, &Trial::hand_over}, Row{2, &Trial::remember},
        };
        static constexpr auto kAll = [] {
            std::uint32_t sum = 0;
            for (const auto& row : kRows) sum += row.weight;
            return sum;
        }();
        auto drawn = dice_.roll(kAll);
        for (const auto& row : kRows) {
            if (drawn < row.weight) return (this->*row.act)();
            drawn -= row.weight;
        }
    }

    // Something that never waits: what another thread might do at this moment.
    void interrupt() {
        if (!shape_.interrupted || !store_ || interrupting_ || !dice_.one_in(12)) return;
        interrupting_ = true;
        static constexpr std::array<void (Trial::*)(), 4> kActs = {&Trial::put, &Trial::look_at_once, &Trial::refresh,
                                                                   &Trial::erase};
        (this->*kActs[dice_.roll(kActs.size())])();
        interrupting_ = false;
    }

    static constexpr std::uint32_t kEpoch = 1'795'000'000;

private:
    enum class Way : std::uint8_t { Find, FetchNow, Fetch, Open };

    std::uint32_t any_key() { return static_cast<std::uint32_t>(dice_.roll(shape_.keys)); }
    std::uint32_t wall() const { return static_cast<std::uint32_t>(kEpoch + now_.load() / 1000); }
    bool indexed() const {
        const auto stats = store_->stats();
        return stats.disk.indexed_segments >= stats.disk.found_segments && stats.warm_up.done;
    }
    Lifetimes some_lifetimes() {
        const auto fresh = wall() + static_cast<std::uint32_t>(dice_.roll(100'000));
        return {fresh, fresh + 10, fresh + static_cast<std::uint32_t>(10 + dice_.roll(1000))};
    }

    void put() {
        const auto key = any_key();
        Version version{.key = key, .number = model.next_version(key)};
        version.bytes = shape_.smallest + static_cast<std::uint32_t>(dice_.roll(shape_.largest - shape_.smallest + 1));
        if (shape_.smallest != shape_.largest && dice_.one_in(40)) version.bytes *= 10;
        version.meta_bytes = 64;
        if (shape_.smallest != shape_.largest)
            version.meta_bytes = static_cast<std::uint32_t>(dice_.roll(dice_.one_in(20) ? 5000 : 300));
        version.created = wall();
        version.cost_ms =
            dice_.one_in(4) ? static_cast<std::uint32_t>(dice_.roll(50)) : 60 + static_cast<std::uint32_t>(dice_.roll(3000));
        version.birth = early_birth_ != 0 && dice_.one_in(3) ? early_birth_ : store_->sequence();
        version.lifetimes = dice_.one_in(2) ? cache_store::kForever : some_lifetimes();
        tell({.kind = Event::Kind::Put, .version = version});
        const auto keep = dice_.one_in(16) ? Keep::MemoryOnly : Keep::Anywhere;
        if (store_->put(store_key(key), object_of(version), keep) == NotStored::None) {
            tell({.kind = Event::Kind::Kept, .version = version});
        }
    }

    void look_up() { look(any_key(), static_cast<Way>(dice_.roll(4))); }
    void look_at_once() { look(any_key(), static_cast<Way>(dice_.roll(2))); }
    void look(std::uint32_t key, Way way) {
        const auto tags = request_tags(key);
        const auto floor = store_->floor_of(tags, request_path(key));
        const auto least = model.least(key);  // now: what happens meanwhile need not be seen
        if (way == Way::Open) return look_into(key, floor, least);
        const auto found = way == Way::Find       ? store_->find(store_key(key), floor)
                           : way == Way::FetchNow ? store_->fetch_now(store_key(key), floor)
                                                  : store_->fetch(store_key(key), floor);
        ++(found ? hits : misses);
        if (traced(key))
            trace(fmt::format("way {}: {}", static_cast<int>(way), found ? found.object->meta.substr(0, 9) : "miss"));
        if (!found) return;
        judge(model.judge(key, *found.object, least, found.stale ? Stale::Yes : Stale::No), way);
        if (dice_.one_in(4)) being_sent_[dice_.roll(being_sent_.size())] = found.object;
    }
    void look_into(std::uint32_t key, const cache_store::Floor& floor, std::uint32_t least) {
        const auto body = store_->open(store_key(key), floor);
        ++(body ? hits : misses);
        if (traced(key)) trace(body ? "open: " + body->object().meta.substr(0, 9) : "open: miss");
        if (!body) return;
        const auto& head = body->object();
        judge(model.judge_head(key, head, least, Stale::Untold), Way::Open);
        if (body->size() != model.size_of(key, head)) wrong.push_back(fmt::format("key {}: a size of {}", key, body->size()));
        std::vector<char> bytes(1 + dice_.roll(300'000));
        for (int reads = 0; reads < 3 && body->size() > 0; ++reads) {
            const auto offset = dice_.roll(body->size());
            const auto got = dice_.one_in(2) ? body->read(offset, bytes.data(), bytes.size())
                                             : body->read_now(offset, bytes.data(), bytes.size());
            if (got) judge(model.judge_body(key, head, offset, {bytes.data(), *got}), Way::Open);
        }
    }
    // Follows one key of a failed trial: SELVAGE_TORTURE_TRACE=KEY, on standard error.
    static bool traced(std::uint32_t key) {
        static const char* const followed = ::getenv("SELVAGE_TORTURE_TRACE");
        return followed != nullptr && std::to_string(key) == followed;
    }
    void trace(const std::string& text) const { fmt::print(stderr, "{}{}\n", interrupting_ ? "    meanwhile " : "", text); }
    void tell(const Event& event) {
        if (traced(event.version.key)) {
            trace(fmt::format("event {} version {} birth {} sequence {}", static_cast<int>(event.kind), event.version.number,
                              event.version.birth, event.sequence));
        }
        model.apply(event);
    }
    void judge(std::string problem, Way way) {
        static constexpr std::array kNames = {"find", "fetch_now", "fetch", "open"};
        if (!problem.empty()) wrong.push_back(fmt::format("{}: {}", kNames[static_cast<std::size_t>(way)], problem));
    }

    void refresh() {
        const Version lives{.key = any_key(), .lifetimes = some_lifetimes()};
        tell({.kind = Event::Kind::Refreshed, .version = lives});
        store_->refresh(store_key(lives.key), lives.lifetimes);
    }
    void erase() {
        const auto key = any_key();
        store_->erase(store_key(key));
        tell({.kind = Event::Kind::Erased, .version = {.key = key}});
    }
    void purge() {
        using enum Target;
        static constexpr std::array kTargets = {Source, Source, Label, Label, Url, Url, Url, Url, Url, Prefix, Glob};
        static constexpr std::array<std::uint32_t, 6> kBounds = {1, kSources, kLabels, 0, kGroups, kGroups};
        const auto target = dice_.one_in(30) ? Everything : kTargets[dice_.roll(kTargets.size())];
        const auto which =
            target == Url ? any_key() : static_cast<std::uint32_t>(dice_.roll(kBounds[static_cast<std::size_t>(target)]));
        const auto effect = dice_.one_in(3) ? Purge::Effect::Soft : Purge::Effect::Hard;
        Event event{
            .kind = Event::Kind::PurgeBegun, .effect = effect, .target = target, .which = which, .number = model.purges_begun()};
        tell(event);
        const auto before = store_->sequence();
        const auto done = store_->purge(purge_of(effect, target, which));
        event.kind = done ? Event::Kind::Purged : Event::Kind::NotDurable;
        event.sequence = done ? *done : store_->sequence();
        if (event.sequence > before) tell(event);  // else it was refused
    }

    void work() {
        store_->work();
        advance(std::chrono::milliseconds(5));
    }
    void let_pass() {
        advance(std::chrono::milliseconds(dice_.one_in(10) ? 40'000 : 1 + dice_.roll(2000)));
        if (dice_.one_in(4)) work_off();
    }
    void change_limits() {
        if (steady_limits_ || !dice_.one_in(6)) return;
        auto limits = shape_.limits;
        static constexpr std::array<std::uint64_t, 5> kMiB = {0, 8, 9, 10, 14};
        limits.disk_bytes = kMiB[dice_.roll(kMiB.size())] << 20;
        limits.memory_bytes = dice_.one_in(4) ? 0 : shape_.limits.memory_bytes;
        store_->set_limits(limits);
        if (dice_.one_in(2)) look_up();
        store_->set_limits(shape_.limits);
        if (unreliable) tell({.kind = Event::Kind::ReadAgain});
    }
    void hand_over() {
        if (!dice_.one_in(3)) return;
        interrupting_ = true;  // what is erased while the folder is another's is known no more when it is ours again
        store_->release();
        put();
        look_up();
        store_->reclaim();
        interrupting_ = false;
        if (unreliable) tell({.kind = Event::Kind::ReadAgain});
    }
    void remember() { early_birth_ = store_->sequence(); }

    std::string folder_;
    Shape shape_;
    Dice dice_;
    FileDescriptor nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Log log_{nowhere_.number(), LogLevel::Debug};
    std::atomic<std::int64_t> now_{3'600'000};  // ms
    std::uint64_t early_birth_ = 0;
    bool interrupting_ = false, steady_limits_ = false;
    std::array<ObjectPtr, 6> being_sent_;  // held for a while, as a response does
    std::unique_ptr<Store> store_;
};

}  // namespace selvage::torture
