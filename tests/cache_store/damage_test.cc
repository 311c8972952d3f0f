#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

// A bad, torn or foreign file is a miss, removed and counted; wrong bytes are never served. (cache-store R1, store.h)

namespace {

// A store that was closed with one object in it, and what its file holds.
struct ClosedStore {
    World world;
    Key128 key = key_number(1);
    ObjectPtr object = object_of("a body of some length", "text/plain");
    std::filesystem::path path = world.folder.file_of(key);
    std::string sound;

    ClosedStore() {
        const auto store = world.open();
        REQUIRE(store->store(key, *object) == NotStored::None);
        sound = read_file(path);
    }
    void damage(std::string_view bytes) const { write_file(path, bytes); }
};

void check_dropped(ClosedStore& closed) {
    const auto store = closed.world.open();
    REQUIRE(store->on_disk(closed.key));  // nobody has read it yet
    CHECK(store->fetch(closed.key) == nullptr);
    CHECK(store->find(closed.key) == nullptr);
    CHECK_FALSE(store->on_disk(closed.key));
    CHECK_FALSE(std::filesystem::exists(closed.path));
    CHECK(store->stats().corrupt == 1);
    CHECK(store->stats().disk_misses == 1);
    CHECK(store->stats().disk_bytes == 0);
    CHECK(store->stats().disk_online);
    CHECK(store->store(closed.key, *closed.object) == NotStored::None);
    CHECK(same(store->fetch(closed.key), closed.object));
}

}  // namespace

TEST_CASE("a torn file is a miss and is removed") {
    ClosedStore closed;
    for (const std::size_t length : {0UL, 1UL, kHeaderBytes - 1, kHeaderBytes, kHeaderBytes + 5, closed.sound.size() - 1}) {
        CAPTURE(length);
        closed.damage(closed.sound.substr(0, length));
        check_dropped(closed);
    }
    closed.damage(closed.sound + "more");
    check_dropped(closed);
    closed.damage(std::string(closed.sound.size(), '\0'));
    check_dropped(closed);
}

TEST_CASE("a flipped bit anywhere in the file is a miss, never wrong bytes") {
    ClosedStore closed;
    const auto store = closed.world.open();
    for (std::size_t at = 0; at < closed.sound.size(); ++at) {
        CAPTURE(at);
        REQUIRE(store->store(closed.key, *closed.object) == NotStored::None);
        auto damaged = closed.sound;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
        closed.damage(damaged);
        CHECK(store->fetch(closed.key) == nullptr);
        CHECK_FALSE(store->on_disk(closed.key));
    }
    // Four bytes are the version, where a flip reads as "newer": a miss as well, but the file is left alone.
    CHECK(store->stats().corrupt >= closed.sound.size() - 4);
    CHECK(store->stats().memory_objects == 0);
}

TEST_CASE("a file that was renamed to another key is foreign: a miss, removed") {
    ClosedStore closed;
    const auto other = key_number(2);
    std::filesystem::create_directories(closed.world.folder.file_of(other).parent_path());
    std::filesystem::rename(closed.path, closed.world.folder.file_of(other));
    const auto store = closed.world.open();
    CHECK_FALSE(store->on_disk(closed.key));
    REQUIRE(store->on_disk(other));
    CHECK(store->fetch(other) == nullptr);
    CHECK_FALSE(std::filesystem::exists(closed.world.folder.file_of(other)));
    CHECK(store->stats().corrupt == 1);
}

TEST_CASE("a file of a newer version is a miss and is left aside, within the limit") {  // cache-store R5
    ClosedStore closed;
    auto newer = closed.sound;
    newer[16] = 2;
    closed.damage(newer + "with fields that we do not know");
    const auto store = closed.world.open({.memory_bytes = kMiB, .disk_bytes = 8 * 4096});
    CHECK(store->fetch(closed.key) == nullptr);
    CHECK_FALSE(store->on_disk(closed.key));
    CHECK(std::filesystem::exists(closed.path));
    CHECK(store->stats().corrupt == 0);
    CHECK(store->stats().disk_bytes == 4096);

    for (std::uint64_t number = 10; number < 18; ++number) {
        REQUIRE(store->store(key_number(number), *object_number(number, 10)) == NotStored::None);
    }
    CHECK_FALSE(std::filesystem::exists(closed.path));  // evicted like any other
}

TEST_CASE("a file that somebody removed is a miss and gives its bytes back") {
    ClosedStore closed;
    const auto store = closed.world.open();
    std::filesystem::remove(closed.path);
    CHECK(store->fetch(closed.key) == nullptr);
    CHECK_FALSE(store->on_disk(closed.key));
    CHECK(store->stats().disk_bytes == 0);
    CHECK(store->stats().corrupt == 0);
    CHECK(store->stats().disk_online);
}

TEST_CASE("a link or a pipe in the place of an object neither leads nor holds the reader") {
    ClosedStore closed;
    const auto store = closed.world.open();
    const auto elsewhere = closed.world.folder.objects() / "elsewhere";
    std::filesystem::rename(closed.path, elsewhere);
    SECTION("link") { std::filesystem::create_symlink(elsewhere, closed.path); }
    SECTION("pipe") { REQUIRE(::mkfifo(closed.path.c_str(), 0600) == 0); }
    CHECK(store->fetch(closed.key) == nullptr);
}

TEST_CASE("a file that claims a terabyte costs no memory") {
    ClosedStore closed;
    const std::uint64_t claimed = 1ULL << 40;
    auto huge = closed.sound;
    std::memcpy(huge.data() + 24, &claimed, sizeof claimed);
    closed.damage(huge);
    if (::truncate(closed.path.c_str(), static_cast<off_t>(claimed + kHeaderBytes + 10)) != 0) return;  // no sparse files here
    const auto store = closed.world.open({.memory_bytes = kMiB, .disk_bytes = 4ULL << 40});
    CHECK(store->fetch(closed.key) == nullptr);
    CHECK_FALSE(std::filesystem::exists(closed.path));
}
