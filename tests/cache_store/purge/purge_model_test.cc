// The table against a list of all purges that is walked for every question.
#include <catch2/catch.hpp>

#include <memory>
#include <random>

#include "base/url.h"
#include "tests/cache_store/purge/purge_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::test;

namespace {

struct Model {
    struct Numbered {
        Purge purge;
        std::uint64_t number;
    };
    std::vector<Numbered> purges;
    std::uint64_t compacted = 0;  // up to here the table may drop more

    Floor floor_of(const std::vector<Tag>& tags, std::string_view path) const {
        Floor floor;
        for (const auto& [purge, number] : purges) {
            const bool concerned =
                purge.everything ||
                std::ranges::any_of(tags, [&](Tag tag) { return std::ranges::find(purge.tags, tag) != purge.tags.end(); }) ||
                (!path.empty() &&
                 std::ranges::any_of(purge.globs, [&](const std::string& glob) { return glob_match(glob, path); }));
            if (!concerned) continue;
            floor = newest(floor, purge.effect == Purge::Effect::Hard ? Floor{number, 0} : Floor{0, number});
        }
        return floor;
    }
};

class Dice {
public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}
    int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(engine_); }
    std::vector<Tag> tags(int most) {
        std::vector<Tag> tags;
        for (int i = below(most + 1); i > 0; --i) tags.push_back(label(below(60)));
        return tags;
    }
    Purge purge() {
        Purge purge{.effect = below(3) == 0 ? Purge::Effect::Soft : Purge::Effect::Hard,
                    .everything = below(60) == 0,
                    .tags = tags(4),
                    .globs = {}};
        if (below(5) == 0) purge.globs.push_back("site/" + std::to_string(below(9)) + "/*");
        return purge;
    }

private:
    std::mt19937 engine_;
};

bool agrees(Floor floor, Floor expected, std::uint64_t compacted) {
    const auto one = [&](std::uint64_t number, std::uint64_t least) {
        return number == least || (number > least && number <= compacted);
    };
    return one(floor.gone, expected.gone) && one(floor.stale, expected.stale);
}

void live(std::uint32_t seed) {
    const PurgeFolder folder;
    Dice dice(seed);
    Model model;
    auto table = std::make_unique<PurgeTable>();
    REQUIRE(table->open(folder.descriptor(), real_file_system(), silent()));
    for (int step = 0; step < 1'500; ++step) {
        const int what = dice.below(100);
        if (what < 40) {
            const Purge purge = dice.purge();
            const auto number = table->purge(purge);
            REQUIRE(number);
            REQUIRE((model.purges.empty() || *number > model.purges.back().number));
            REQUIRE(table->sequence() == *number);
            model.purges.push_back({purge, *number});
        } else if (what == 40) {
            table = std::make_unique<PurgeTable>();
            REQUIRE(table->open(folder.descriptor(), real_file_system(), silent()));
        } else if (what == 41) {
            const auto oldest = static_cast<std::uint64_t>(dice.below(static_cast<int>(table->sequence()) + 1));
            table->compact(oldest);
            model.compacted = std::max(model.compacted, oldest);
        } else {
            const auto tags = dice.tags(6);
            const std::string path = dice.below(2) == 0 ? "" : "site/" + std::to_string(dice.below(9)) + "/x";
            REQUIRE(agrees(table->floor_of(tags, path), model.floor_of(tags, path), model.compacted));
        }
    }
}

}  // namespace

TEST_CASE("whatever is purged, in whatever order, with restarts and compaction between: what a list of all purges says") {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) live(seed);
}
