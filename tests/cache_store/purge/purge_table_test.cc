#include "cache_store/purge/purge_table.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/purge/purge_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::test;

SCENARIO("what was born before a purge is gone, and what is born after it lives") {
    PurgeTable table;
    const std::uint64_t before = table.sequence();
    const auto number = table.purge(hard({label(1)}));
    REQUIRE(number.has_value());
    CHECK(*number == 1);
    CHECK(floor_of(table, label(1)).drops(before));
    CHECK_FALSE(floor_of(table, label(1)).drops(table.sequence()));
    THEN("nobody else is concerned") { CHECK(floor_of(table, label(2)) == Floor{}); }
    THEN("a soft purge makes stale and drops nothing") {
        REQUIRE(table.purge(soft({label(2)})));
        CHECK(floor_of(table, label(2)).makes_stale(before));
        CHECK_FALSE(floor_of(table, label(2)).drops(before));
        CHECK_FALSE(floor_of(table, label(2)).makes_stale(table.sequence()));
    }
    THEN("everything is everything") {
        REQUIRE(table.purge(everything()));
        CHECK(floor_of(table, label(3)).drops(1));
        CHECK(table.floor_of({}, "").drops(1));
        CHECK_FALSE(table.floor_of({}, "").drops(2));
    }
    THEN("a glob is of the site and path") {
        REQUIRE(table.purge(hard_glob("shop.example/img/**")));
        CHECK(floor_of(table, label(9), "shop.example/img/a/b.png").drops(1));
        CHECK_FALSE(floor_of(table, label(9), "shop.example/css/a.css").drops(1));
        CHECK_FALSE(floor_of(table, label(9)).drops(1));
    }
}

SCENARIO("an acknowledged purge is in force after a restart") {
    const PurgeFolder folder;
    std::uint64_t last = 0;
    {
        PurgeTable table;
        REQUIRE(table.open(folder.descriptor(), real_file_system(), silent()));
        REQUIRE(table.purge(hard({label(1), label(2)})));
        REQUIRE(table.purge(soft({label(2)})));
        REQUIRE(table.purge(hard_glob("*/a/*")));
        last = table.sequence();
    }
    PurgeTable table;
    REQUIRE(table.open(folder.descriptor(), real_file_system(), silent()));
    CHECK(floor_of(table, label(1)) == Floor{1, 0});
    CHECK(floor_of(table, label(2)) == Floor{1, 2});
    CHECK(floor_of(table, label(7), "site/a/b") == Floor{3, 0});
    CHECK(folder.journals() == 1);
    THEN("numbers go on, and never come twice") {
        CHECK(table.sequence() >= last);
        CHECK(*table.purge(hard({label(5)})) > last);
    }
    THEN("what was purged before the journal was opened is as durable as what comes after") {
        PurgeTable other;
        REQUIRE(other.purge(hard({label(77)})));
        REQUIRE(other.open(folder.descriptor(), real_file_system(), silent()));
        CHECK(floor_of(other, label(77)).drops(0));
        PurgeTable again;
        REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
        CHECK(floor_of(again, label(77)).drops(0));
        CHECK(floor_of(again, label(1)).drops(0));
    }
}

SCENARIO("a purge is acknowledged only when it is durable") {
    const PurgeFolder folder;
    FailingFiles files;
    PurgeTable table;
    REQUIRE(table.open(folder.descriptor(), files, silent()));
    const int syncs = files.syncs;
    REQUIRE(table.purge(hard({label(1)})));
    CHECK(files.syncs == syncs + 1);

    const auto fails = [&] {
        const auto purged = table.purge(hard({label(2)}));
        REQUIRE_FALSE(purged);
        CHECK(purged.error().kind == ErrorKind::Internal);
        CHECK(purged.error().code == "not_durable");
        CHECK(floor_of(table, label(2)).drops(table.sequence() - 1));
        CHECK_FALSE(floor_of(table, label(2)).drops(table.sequence()));
    };
    const auto works_again = [&] {
        files.write_errno = files.sync_errno = files.create_errno = 0;
        REQUIRE(table.purge(hard({label(3)})));
        PurgeTable again;
        REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
        for (const int number : {1, 2, 3}) CHECK(floor_of(again, label(number)).drops(0));
        CHECK(again.sequence() >= table.sequence());
    };
    WHEN("the disk is full") {
        files.write_errno = ENOSPC;
        fails();
        THEN("it is said, it is in force all the same, and becomes durable with the next one") { works_again(); }
    }
    WHEN("the disk does not take it") {
        files.sync_errno = EIO;
        fails();
        works_again();
    }
    WHEN("no other file can be made either") {
        files.sync_errno = EIO;
        fails();
        files.create_errno = EROFS;
        fails();
        works_again();
    }
    WHEN("it never becomes durable") {
        files.sync_errno = files.write_errno = EIO;
        for (int i = 0; i < 20; ++i) fails();
        const std::uint64_t born = table.sequence();
        THEN("after a restart its number is not given again: what was born after it is dropped by the next purge") {
            PurgeTable again;
            REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
            REQUIRE(again.purge(hard({label(9)})));
            CHECK(floor_of(again, label(9)).drops(born));
        }
    }
    WHEN("thousands of them cannot be made durable") {
        files.write_errno = EIO;
        for (int i = 0; i < 5'000; ++i) REQUIRE_FALSE(table.purge(hard({label(2)})));
        THEN("they are refused in the end, rather than given numbers that a restart gives again") {
            CHECK(table.sequence() < 4'097);
            CHECK(table.purge(hard({label(2)})).error().detail.starts_with("not purged"));
        }
    }
}

SCENARIO("the table is bounded: it purges more than was asked for, never less") {
    const PurgeFolder folder;
    PurgeTable table;
    constexpr std::uint64_t kBytes = 96U << 10;
    REQUIRE(table.open(folder.descriptor(), real_file_system(), silent(), kBytes));
    constexpr int kPurges = 5'000;
    std::uint64_t most_on_disk = 0;
    for (int i = 0; i < kPurges; ++i) {
        REQUIRE(table.purge(i % 3 == 0 ? soft({label(i)}) : hard({label(i)})));
        if (i % 50 == 0) REQUIRE(table.purge(hard_glob("site/" + std::to_string(i) + "/*")));
        most_on_disk = std::max(most_on_disk, table.stats().journal_bytes);
    }
    const auto holds = [&](const PurgeTable& which) {
        for (int i = 0; i < kPurges; ++i) {
            const Floor floor = floor_of(which, label(i));
            CHECK((i % 3 == 0 ? floor.makes_stale(static_cast<std::uint64_t>(i)) : floor.drops(static_cast<std::uint64_t>(i))));
        }
        for (int i = 0; i < kPurges; i += 50) {
            CHECK(which.floor_of({}, "site/" + std::to_string(i) + "/x").drops(static_cast<std::uint64_t>(i)));
        }
    };
    CHECK(table.stats().tags <= kBytes / 3 / 24);
    CHECK(table.stats().globs <= PurgeTable::kMostGlobs);
    CHECK(table.stats().folded > 3'000);
    CHECK(most_on_disk <= kBytes / 2);
    holds(table);
    CHECK_FALSE(floor_of(table, label(-1)).drops(table.sequence() - 100));
    PurgeTable again;
    REQUIRE(again.open(folder.descriptor(), real_file_system(), silent(), kBytes));
    holds(again);
    THEN("a purge of more tags than there is room for is one of everything") {
        std::vector<Tag> tags;
        for (int i = 0; i < 2'000; ++i) tags.push_back(label(i));
        const auto number = again.purge(hard(tags));
        REQUIRE(number);
        CHECK(again.floor_of({}, "").drops(*number - 1));
        CHECK(again.stats().journal_bytes <= kBytes / 2);
    }
}

SCENARIO("purges that concern nothing that lives leave the table") {
    const PurgeFolder folder;
    PurgeTable table;
    REQUIRE(table.open(folder.descriptor(), real_file_system(), silent()));
    for (int i = 0; i < 2'000; ++i) REQUIRE(table.purge(hard({label(i)})));
    REQUIRE(table.purge(hard_glob("a/*")));
    const std::uint64_t long_journal = table.stats().journal_bytes;
    table.compact(1'990);
    CHECK(table.stats().tags == 10);
    CHECK(table.stats().globs == 1);
    CHECK(table.stats().journal_bytes < long_journal / 10);
    CHECK(folder.journals() == 1);
    THEN("what is being made for an older request is dropped all the same") { CHECK(floor_of(table, label(5)).drops(4)); }
    THEN("nothing that lives is concerned") { CHECK_FALSE(floor_of(table, label(-1)).drops(1'990)); }
    THEN("the last ones are still in force after a restart") {
        PurgeTable again;
        REQUIRE(again.open(folder.descriptor(), real_file_system(), silent()));
        CHECK(floor_of(again, label(1'999)).drops(1'999));
    }
    THEN("an empty store needs none of them, and nothing that is asked for from now on is concerned") {
        table.compact(UINT64_MAX);
        CHECK(table.stats().tags == 0);
        CHECK_FALSE(table.floor_of({}, "a/b").drops(table.sequence()));
        CHECK(table.floor_of({}, "").drops(table.sequence() - 1));
    }
}

SCENARIO("the journal is left to another process, and taken back") {
    const PurgeFolder folder;
    PurgeTable old;
    REQUIRE(old.open(folder.descriptor(), real_file_system(), silent()));
    REQUIRE(old.purge(hard({label(1)})));
    old.release();
    const auto refused = old.purge(hard({label(2)}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::Overloaded);
    CHECK_FALSE(floor_of(old, label(2)).drops(0));
    {
        PurgeTable successor;
        REQUIRE(successor.open(folder.descriptor(), real_file_system(), silent()));
        CHECK(floor_of(successor, label(1)).drops(0));
        REQUIRE(successor.purge(hard({label(3)})));
    }
    REQUIRE(old.open(folder.descriptor(), real_file_system(), silent()));
    CHECK(floor_of(old, label(1)).drops(0));
    CHECK(floor_of(old, label(3)).drops(1));
    CHECK(old.purge(hard({label(2)})));
}
