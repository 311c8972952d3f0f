#include <catch2/catch.hpp>

#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/mutants.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;

// The crash matrix is worth something only if it fails a store that is wrong.

namespace {

// Objects of one size, so that a reused segment's old records begin where its new ones do; a store that is full, closed in order
// (what was replaced then may not come back), opened, written to, and cut off while a segment is being reused.
std::size_t wrong_after_power_loss(std::uint64_t seed, Mutant mutant, Loss loss) {
    const Ground ground;
    Dice dice(seed);
    Shape shape;
    shape.smallest = shape.largest = 20'000;
    Trial trial(ground.path(), shape, dice.fork());
    for (int life = 0; life < 2; ++life) {
        Disk disk;
        trial.open(disk);
        for (int put = 0; put < 300; ++put) trial.put_and_work();
        trial.close(true);
    }
    {
        Disk disk;
        trial.open(disk);
        trial.work_off();
        disk.cut_after(4 + dice.roll(30), dice.roll(1ULL << 20));
        for (int put = 0; put < 300 && !disk.was_cut(); ++put) trial.put_and_work();
        disk.cut_now();
        trial.crash();
        disk.lose_power(dice, loss);
    }
    stamp_store(ground.log(), mutant);
    Disk disk;
    trial.open(disk);
    trial.work_off();
    trial.read_all();
    trial.close(true);
    return trial.wrong.size();
}

// The first trial that serves something wrong, of so many; 0: none does.
std::uint64_t caught_by(Mutant mutant, Loss loss, std::uint64_t trials) {
    for (std::uint64_t trial = 1; trial <= trials; ++trial) {
        if (wrong_after_power_loss(first_seed() + trial, mutant, loss) > 0) return trial;
    }
    return 0;
}

}  // namespace

TEST_CASE("the crash matrix catches a store without body checksums and one without generations", "[torture]") {
    // Torn bodies behind a header that reached the disk.
    CHECK(caught_by(Mutant::Sound, Loss::Mixed, 12) == 0);
    CHECK(caught_by(Mutant::NoBodyChecksums, Loss::Mixed, 100) > 0);
    // A segment's new header, and behind it whole records of its earlier life.
    CHECK(caught_by(Mutant::Sound, Loss::AllOld, 12) == 0);
    CHECK(caught_by(Mutant::NoGenerations, Loss::AllOld, 100) > 0);
}

TEST_CASE("the model catches whatever is wrong with an object") {
    Model model;
    const Version version{
        .key = 3, .number = 0, .bytes = 100, .meta_bytes = 20, .created = Trial::kEpoch, .cost_ms = 7, .birth = 2};
    model.apply({.kind = Event::Kind::Put, .version = version});
    const auto judged = [&](const Object& object, std::uint32_t key = 3, Stale stale = Stale::No) {
        return model.judge(key, object, model.least(key), stale);
    };
    const Object right = *object_of(version);
    REQUIRE(judged(right).empty());

    const auto with = [&](auto change) {
        Object other = right;
        change(other);
        return !judged(other).empty();
    };
    CHECK(!judged(right, 4).empty());
    CHECK(with([](Object& o) { o.meta[4] ^= 1; }));
    CHECK(with([](Object& o) { o.birth = 3; }));
    CHECK(with([](Object& o) { o.cost_ms = 8; }));
    CHECK(with([](Object& o) { o.tags.pop_back(); }));
    CHECK(with([](Object& o) { o.lifetimes.if_error_until = 5; }));
    CHECK(with([](Object& o) { o.created += std::chrono::seconds(1); }));
    CHECK(with([](Object& o) { o.body = make_blob(std::string(o.body->view().substr(1))); }));
    CHECK(with([](Object& o) {
        std::string body(o.body->view());
        body[99] ^= 4;
        o.body = make_blob(std::move(body));
    }));

    SECTION("a soft purge") {
        model.apply({.kind = Event::Kind::PurgeBegun, .effect = Purge::Effect::Soft, .target = Target::Source, .which = 3});
        CHECK(judged(right).empty());  // not acknowledged yet
        model.apply({.kind = Event::Kind::Purged, .number = 0, .sequence = 3});
        CHECK(!judged(right).empty());
        CHECK(judged(right, 3, Stale::Yes).empty());
    }
    SECTION("a hard purge") {
        model.apply({.kind = Event::Kind::PurgeBegun, .target = Target::Glob, .which = 3});
        model.apply({.kind = Event::Kind::Purged, .number = 0, .sequence = 3});
        CHECK(!judged(right, 3, Stale::Yes).empty());
    }
    SECTION("an erased object, which only a crash brings back") {
        model.apply({.kind = Event::Kind::Erased, .version = {.key = 3}});
        CHECK(!judged(right).empty());
        SECTION("a crash") {
            model.apply({.kind = Event::Kind::Crashed});
            CHECK(judged(right).empty());
        }
        SECTION("but not once it was written") {
            model.apply({.kind = Event::Kind::Closed});
            model.apply({.kind = Event::Kind::Crashed});
            CHECK(!judged(right).empty());
        }
    }
}

TEST_CASE("a power loss takes back what was not made durable, and only that") {
    const Ground ground;
    const FileDescriptor folder(::open(ground.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto write = [](Disk& disk, int file, std::string text, off_t offset) {
        iovec part{text.data(), text.size()};
        return disk.pwritev(file, &part, 1, offset);
    };
    const auto path = [&](const char* name) { return std::filesystem::path(ground.path()) / name; };
    Dice dice(1);
    Disk disk;
    const int kept = disk.openat(folder.number(), "kept", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(write(disk, kept, std::string(8192, 'a'), 0) == 8192);
    REQUIRE(disk.fdatasync(kept) == 0);
    REQUIRE(disk.fdatasync(folder.number()) == 0);
    REQUIRE(write(disk, kept, std::string(8192, 'b'), 4096) == 8192);
    const int fresh = disk.openat(folder.number(), "fresh", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(write(disk, fresh, "text", 0) == 4);

    SECTION("a new name goes, a written page and a length go back") {
        disk.lose_power(dice, Loss::AllOld);
        CHECK_FALSE(std::filesystem::exists(path("fresh")));
        CHECK(bytes_of(path("kept")) == std::string(8192, 'a'));
    }
    SECTION("a removed or replaced file comes back") {
        REQUIRE(disk.fdatasync(folder.number()) == 0);
        REQUIRE(disk.renameat(folder.number(), "fresh", "kept") == 0);
        REQUIRE(disk.unlinkat(folder.number(), "kept") == 0);
        disk.lose_power(dice, Loss::AllOld);
        CHECK(bytes_of(path("kept")) == std::string(8192, 'a'));
        CHECK(bytes_of(path("fresh")).empty());
    }
    SECTION("what was synced stays") {
        REQUIRE(disk.fdatasync(kept) == 0);
        REQUIRE(disk.fdatasync(fresh) == 0);
        REQUIRE(disk.fdatasync(folder.number()) == 0);
        disk.lose_power(dice, Loss::AllOld);
        CHECK(bytes_of(path("kept")) == std::string(4096, 'a') + std::string(8192, 'b'));
        CHECK(bytes_of(path("fresh")) == "text");
    }
    SECTION("a write that a failed sync was to make durable is lost, whatever a later sync says") {
        disk.rule([](const Call& call) { return Fate{.error = call.kind == Call::Kind::Sync ? EIO : 0}; });
        REQUIRE(disk.fdatasync(kept) == -1);
        disk.rule({});
        REQUIRE(disk.fdatasync(kept) == 0);
        disk.lose_power(dice, Loss::AllNew);
        CHECK(bytes_of(path("kept")).substr(0, 8192) == std::string(8192, 'a'));
    }
    SECTION("after the cut nothing changes") {
        disk.cut_after(0, 3);
        CHECK(write(disk, kept, "ccccc", 0) == -1);
        CHECK(write(disk, kept, "ddddd", 0) == -1);
        CHECK(disk.unlinkat(folder.number(), "kept") == -1);
        CHECK(bytes_of(path("kept")).substr(0, 5) == "cccaa");
    }
    disk.close(kept);
    disk.close(fresh);
}
