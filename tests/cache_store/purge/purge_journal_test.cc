#include "cache_store/purge/purge_journal.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/purge/purge_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::test;

namespace {

const std::vector<Purge>& some_purges() {
    static const std::vector<Purge> purges = {
        hard({label(1)}),
        soft({label(2), label(3)}),
        hard_glob("site/*.png"),
        hard({label(4), label(5), label(6)}),
        everything(Purge::Effect::Soft),
    };
    return purges;
}

// A journal with an image and a group for each purge; where each group ends.
std::string journal_of(std::vector<std::size_t>& ends) {
    Floors image;
    image.add(hard({label(100), label(101)}), 3, {});
    image.add(hard_glob("old/**"), 4, {});
    std::string bytes = encode_journal(8, 10, image);
    std::uint64_t sequence = 10;
    ends.push_back(bytes.size());
    for (const Purge& purge : some_purges()) {
        bytes += encode_group(8, ++sequence, purge);
        ends.push_back(bytes.size());
    }
    return bytes;
}

Floor of(const JournalContents& contents, int number) {
    const Tag tag = label(number);
    return contents.floors.of(std::span(&tag, 1), {});
}

// All that the first `groups` purges ask for is in force.
bool holds(const JournalContents& contents, std::size_t groups) {
    bool good = of(contents, 100).gone >= 3 && contents.floors.of({}, "old/a").gone >= 4;
    for (std::size_t i = 0; i < groups; ++i) {
        const Purge& purge = some_purges()[i];
        const std::uint64_t number = 11 + i;
        const auto reached = [&](const Floor& floor) {
            return (purge.effect == Purge::Effect::Hard ? floor.gone : floor.stale) >= number;
        };
        for (const Tag tag : purge.tags) good = good && reached(contents.floors.of(std::span(&tag, 1), {}));
        for (std::size_t glob = 0; glob < purge.globs.size(); ++glob)
            good = good && reached(contents.floors.of({}, "site/a.png"));
        if (purge.everything) good = good && reached(contents.floors.everything());
    }
    return good;
}

}  // namespace

TEST_CASE("a journal says what was written to it") {
    std::vector<std::size_t> ends;
    const auto contents = parse_journal(journal_of(ends), {});
    REQUIRE(contents);
    CHECK(contents->number == 8);
    CHECK(contents->sequence == 15);
    CHECK(contents->groups == 5);
    CHECK_FALSE(contents->torn);
    CHECK(of(*contents, 100) == Floor{3, 15});
    CHECK(of(*contents, 2) == Floor{0, 15});
    CHECK(of(*contents, 4) == Floor{14, 15});
    CHECK(contents->floors.of({}, "old/x") == Floor{4, 15});
    CHECK(contents->floors.of({}, "site/x.png") == Floor{13, 15});
    CHECK(contents->floors.everything() == Floor{0, 15});
}

TEST_CASE("a journal that is torn at any byte keeps all purges before, and the torn one counts not at all") {
    std::vector<std::size_t> ends;
    const std::string whole = journal_of(ends);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto contents = parse_journal(std::string_view(whole).substr(0, length), {});
        if (length < ends[0]) {
            REQUIRE_FALSE(contents);
            continue;
        }
        const auto groups = static_cast<std::size_t>(std::ranges::upper_bound(ends, length) - ends.begin()) - 1;
        REQUIRE(contents);
        REQUIRE(contents->groups == groups);
        REQUIRE(contents->sequence == 10 + groups);
        REQUIRE(contents->torn == (length != ends[groups]));
        REQUIRE_FALSE(contents->damaged);
        REQUIRE(holds(*contents, groups));
    }
}

TEST_CASE("a byte that changed in the journal never takes back a purge that others follow") {
    std::vector<std::size_t> ends;
    const std::string whole = journal_of(ends);
    for (std::size_t place = 0; place < whole.size(); ++place) {
        std::string bytes = whole;
        bytes[place] = static_cast<char>(bytes[place] ^ 0x10);
        const auto contents = parse_journal(bytes, {});
        if (!contents) {
            REQUIRE(place < ends[0]);
            continue;
        }
        const bool in_last = place >= ends[ends.size() - 2];
        REQUIRE(contents->torn);
        REQUIRE(contents->damaged == !in_last);
        REQUIRE(holds(*contents, in_last ? 4 : 0));
        // What a damaged group said nobody knows: everything that was born before the last purge goes.
        if (!in_last) REQUIRE(contents->floors.everything().gone == 15);
    }
}

TEST_CASE("a group of another journal's life, at the right place, is not believed") {
    const std::string bytes = encode_journal(8, 0, {}) + encode_group(6, 1, hard({label(1)}));
    const auto contents = parse_journal(bytes, {});
    REQUIRE(contents);
    CHECK(contents->groups == 0);
    CHECK(contents->torn);
}

SCENARIO("a store opens whatever a crash left of its journals") {
    const PurgeFolder folder;
    {
        PurgeTable table;
        REQUIRE(table.open(folder.descriptor(), real_file_system(), silent()));
        for (int i = 1; i <= 3; ++i) REQUIRE(table.purge(hard({label(i), label(10 + i)})));
    }
    const std::string journal = folder.journal();
    const std::string whole = PurgeFolder::read(journal);
    const std::string other = folder.path() + (journal.ends_with('0') ? "/purges.1" : "/purges.0");
    PurgeTable table;
    const auto open = [&] { return table.open(folder.descriptor(), real_file_system(), silent()); };

    WHEN("it is torn anywhere: the purges of many tags are there whole or not at all") {
        for (std::size_t length = kJournalHeader; length <= whole.size(); ++length) {
            PurgeFolder::write(journal, std::string_view(whole).substr(0, length));
            std::filesystem::remove(other);
            PurgeTable torn;
            REQUIRE(torn.open(folder.descriptor(), real_file_system(), silent()));
            for (int i = 1; i <= 3; ++i) REQUIRE(floor_of(torn, label(i)) == floor_of(torn, label(10 + i)));
            REQUIRE(torn.purge(hard({label(50)})));  // and goes on
            PurgeTable again;
            REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
            REQUIRE(floor_of(again, label(50)).drops(0));
            std::filesystem::remove(folder.journal());
        }
    }
    WHEN("the next journal was not finished") {
        for (const std::string_view half :
             {"", "slvPRG", "slvPRG\n and then not what it should be, for more than a header's length ............"}) {
            PurgeFolder::write(other, half);
            PurgeFolder::write(journal, whole);
            PurgeTable again;
            REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
            CHECK(floor_of(again, label(3)).drops(2));
            std::filesystem::remove(folder.journal());
        }
    }
    WHEN("the one before was not removed") {
        Floors image;
        image.add(hard({label(60)}), 7, {});
        PurgeFolder::write(other, encode_journal(other.ends_with('0') ? 2 : 3, 7, image));
        REQUIRE(open());
        CHECK(floor_of(table, label(60)).drops(6));
        CHECK(floor_of(table, label(3)).drops(2));
        CHECK(folder.journals() == 1);
    }
    WHEN("nothing of it can be read") {
        PurgeFolder::write(journal, "nothing");
        THEN("nobody knows what was purged") {
            REQUIRE_FALSE(open());
            AND_THEN("a cold store begins a new one") {
                REQUIRE(table.open_anew(folder.descriptor(), real_file_system(), silent()));
                REQUIRE(table.purge(hard({label(1)})));
                PurgeTable again;
                REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
                CHECK(floor_of(again, label(1)).drops(0));
            }
        }
    }
}
