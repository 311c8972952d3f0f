#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cache_store/torture/objects.h"

namespace selvage::torture {

// What was done to a store, told before it is done or after it was acknowledged. Without pointers, like Version.
struct Event {
    enum class Kind : std::uint8_t {
        Put,         // begins: `version`
        Kept,        // it answered that the version is on its way to the disk
        Refreshed,   // begins: `version` tells key and lifetimes
        Erased,      // done: the key
        PurgeBegun,  // `number`: of the purge among all that begin
        Purged,      // acknowledged: `sequence`
        NotDurable,  // in force, as `sequence`, until a restart
        Closed,      // in order, everything written
        Crashed,     // or closed on a disk that fails
        ReadAgain,   // such a disk was, and what it did not take is unknown now
        Cold,        // the store began anew: it knows none of the purges, and must have none of the objects
        Damaged,     // files were changed: what replaced or erased others may be lost
    } kind = Kind::Put;
    Purge::Effect effect = Purge::Effect::Hard;
    Target target = Target::Everything;
    std::uint32_t which = 0, number = 0;
    std::uint64_t sequence = 0;
    Version version;
};

// What a look-up says about an object's being purged softly; open() says nothing.
enum class Stale : std::uint8_t { No, Yes, Untold };

// What may be served, and what not. A miss is always right; an object is wrong when
//   it is not byte for byte what was once put under that key, with its tags, times and birth;
//   it was born before a purge that concerns it and was acknowledged before the look-up began;
//   a soft purge of that kind, and it is not called stale;
//   it was erased or replaced, unless a crash may have undone that: never what an orderly close has written.
class Model {
public:
    std::function<void(const Event&)> witness;  // sees every event first

    void apply(const Event& event) {
        using enum Event::Kind;
        if (witness) witness(event);
        ++events_;
        Key& key = keys_[event.version.key];
        switch (event.kind) {
            case Put:
                key.versions.push_back({event.version, events_, life_});
                break;
            case Kept:
                kept(key, event.version);
                break;
            case Refreshed:
                key.refreshes.push_back({next_version(event.version.key), event.version.lifetimes});
                break;
            case Erased:
                key.least = next_version(event.version.key);
                break;
            case PurgeBegun:
                purges_.push_back({event.effect, event.target, event.which, events_, life_});
                break;
            case Purged:
                purges_.at(event.number).sequence = event.sequence;
                break;
            case NotDurable:
                purges_.at(event.number).sequence = event.sequence;
                purges_.at(event.number).until_restart = true;
                break;
            case Closed:
                for (auto& [number, each] : keys_) each.least_after_crash = each.least;
                restarted();
                break;
            case Crashed:
                for (auto& [number, each] : keys_) each.least = each.least_after_crash;
                restarted();
                break;
            case ReadAgain:
                for (auto& [number, each] : keys_) each.least = each.least_after_crash;
                break;
            case Cold:
                for (auto& [number, each] : keys_)
                    each.least = each.least_after_crash = static_cast<std::uint32_t>(each.versions.size());
                for (auto& purge : purges_) purge.sequence = 0;
                break;
            case Damaged:
                for (auto& [number, each] : keys_) each.least = each.least_after_crash = 0;
                break;
        }
    }

    std::uint32_t next_version(std::uint32_t key) { return static_cast<std::uint32_t>(keys_[key].versions.size()); }
    // The version that a look-up which begins now has to find at least, if it finds one.
    std::uint32_t least(std::uint32_t key) { return keys_[key].least; }
    std::uint32_t purges_begun() const { return static_cast<std::uint32_t>(purges_.size()); }
    std::uint64_t newest_purge() const {
        std::uint64_t newest = 0;
        for (const auto& purge : purges_) newest = std::max(newest, purge.sequence);
        return newest;
    }

    // Of an object without regard to its body: what is wrong with it, or nothing.
    std::string judge_head(std::uint32_t key, const Object& object, std::uint32_t least, Stale stale) const {
        const auto told = told_by(object.meta);
        if (!told) return fmt::format("key {}: a meta that nobody put", key);
        if (told->first != key) return fmt::format("key {}: the object of key {}", key, told->first);
        const auto* put = version_of(key, told->second);
        if (put == nullptr) return fmt::format("key {}: version {}, which nobody put", key, told->second);
        return judge(keys_.at(key), *put, object, least, stale);
    }
    // And of bytes of its body, from `offset`.
    std::string judge_body(std::uint32_t key, const Object& object, std::uint64_t offset, std::string_view bytes) const {
        const auto* put = version_of(key, told_by(object.meta).value_or(std::pair{0U, 0U}).second);
        if (put != nullptr && is_body_of(put->version, offset, bytes)) return {};
        return fmt::format("key {}: a torn body at {}+{}", key, offset, bytes.size());
    }
    std::string judge(std::uint32_t key, const Object& object, std::uint32_t least, Stale stale) const {
        if (auto wrong = judge_head(key, object, least, stale); !wrong.empty()) return wrong;
        if (!object.body) return fmt::format("key {}: no body", key);
        const auto* put = version_of(key, told_by(object.meta)->second);
        const auto bytes = put->version.bytes;
        if (object.body->size() != bytes) return fmt::format("key {}: {} bytes of {}", key, object.body->size(), bytes);
        return judge_body(key, object, 0, object.body->view());
    }
    std::uint32_t size_of(std::uint32_t key, const Object& object) const {
        const auto* put = version_of(key, told_by(object.meta).value_or(std::pair{0U, 0U}).second);
        return put == nullptr ? 0 : put->version.bytes;
    }

private:
    struct Refresh {
        std::uint32_t before_version;
        Lifetimes lifetimes;
    };
    struct Put {
        Version version;
        std::uint64_t at;    // counted in events
        std::uint32_t life;  // counted in openings
    };
    struct Key {
        std::vector<Put> versions;
        std::vector<Refresh> refreshes;
        std::uint32_t least = 0;              // version: what is older may not be served any more
        std::uint32_t least_after_crash = 0;  // nor this, whatever happens
    };
    struct Purged {
        Purge::Effect effect;
        Target target;
        std::uint32_t which;
        std::uint64_t begun_at;  // counted in events
        std::uint32_t life;
        std::uint64_t sequence = 0;  // 0: not acknowledged
        bool until_restart = false;
    };

    void restarted() {
        ++life_;
        for (auto& purge : purges_) {
            if (std::exchange(purge.until_restart, false)) purge.sequence = 0;
        }
    }
    // It replaces what came before, unless something that was put earlier is born later.
    static void kept(Key& key, const Version& version) {
        const bool youngest =
            std::ranges::all_of(key.versions, [&](const Put& other) { return other.version.birth <= version.birth; });
        if (youngest) key.least = std::max(key.least, version.number);
    }
    const Put* version_of(std::uint32_t key, std::uint32_t number) const {
        const auto found = keys_.find(key);
        if (found == keys_.end() || number >= found->second.versions.size()) return nullptr;
        return &found->second.versions[number];
    }

    std::string judge(const Key& key, const Put& put, const Object& object, std::uint32_t least, Stale stale) const {
        const auto& version = put.version;
        const auto name = fmt::format("key {} version {}", version.key, version.number);
        if (object.meta != meta_of(version)) return name + ": another meta";
        if (object.birth != version.birth) return fmt::format("{}: born {}, not {}", name, object.birth, version.birth);
        if (object.cost_ms != version.cost_ms) return name + ": another cost";
        if (object.tags != object_tags(version.key)) return name + ": other tags";
        if (object.created.time_since_epoch().count() != version.created) return name + ": another time of creation";
        if (!may_live(key, version, object.lifetimes)) return name + ": lifetimes that nobody gave it";
        if (version.number < least) return fmt::format("{}: came back, was replaced or erased before {}", name, least);
        return judge_purges(name, put, stale);
    }
    static bool may_live(const Key& key, const Version& version, const Lifetimes& lifetimes) {
        return lifetimes == version.lifetimes || std::ranges::any_of(key.refreshes, [&](const Refresh& refresh) {
                   return refresh.before_version > version.number && refresh.lifetimes == lifetimes;
               });
    }
    std::string judge_purges(const std::string& name, const Put& put, Stale stale) const {
        const auto birth = put.version.birth;
        for (const auto& purge : purges_) {
            if (purge.sequence == 0 || !concerns(purge.target, purge.which, put.version.key)) continue;
            // By what came first; and by the numbers, for what was put after a purge, but born before. These have a meaning
            // within one life: a store whose disk cannot be opened counts from 0.
            const bool born_after = birth >= purge.sequence || put.life != purge.life;
            if (born_after && put.at > purge.begun_at) continue;
            const auto what = fmt::format("{}: born {}, put at event {}; purge {}, begun at event {}{}", name, birth, put.at,
                                          purge.sequence, purge.begun_at, purge.until_restart ? ", not durable" : "");
            if (purge.effect == Purge::Effect::Hard) return what;
            if (stale == Stale::No) return what + ": not stale";
        }
        return {};
    }

    std::uint64_t events_ = 0;
    std::uint32_t life_ = 0;
    std::map<std::uint32_t, Key> keys_;
    std::vector<Purged> purges_;
};

}  // namespace selvage::torture
