#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

void check_memory_works(Store& store) {
    store.put(key_number(1), object_number(1, 100));
    CHECK(same(store.find(key_number(1)), object_number(1, 100)));
    CHECK_FALSE(store.on_disk(key_number(1)));
    CHECK(store.fetch(key_number(1)) == nullptr);
    CHECK(store.store(key_number(1), *object_number(1, 100)) == NotStored::DiskOff);
    CHECK_FALSE(store.stats().disk_online);
    store.erase(key_number(1));
    store.set_limits({});
}

// A tmpfs of one mebibyte, where this process may mount one.
class TinyDisk {
public:
    explicit TinyDisk(std::string path) : path_(std::move(path)) {
        mounted_ = ::geteuid() == 0 && ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
    }
    ~TinyDisk() {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    TinyDisk(const TinyDisk&) = delete;
    TinyDisk& operator=(const TinyDisk&) = delete;
    explicit operator bool() const { return mounted_; }
    bool make_read_only() const { return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m") == 0; }

private:
    std::string path_;
    bool mounted_ = false;
};

}  // namespace

TEST_CASE("temporaries of a process that died are removed on opening; names that are not ours are left alone") {
    World world;
    world.open().reset();
    const auto temporary = world.folder.objects() / "tmp-17";
    const auto stranger = world.folder.objects() / "ab" / "notes.txt";
    const auto misplaced = world.folder.objects() / "ab" / std::string(32, 'c');
    for (const auto& path : {temporary, stranger, misplaced}) write_file(path, "left here");

    const auto store = world.open();
    CHECK_FALSE(std::filesystem::exists(temporary));
    CHECK(std::filesystem::exists(stranger));
    CHECK(std::filesystem::exists(misplaced));
    CHECK(store->stats().disk_objects == 0);
    CHECK(store->stats().disk_online);
}

TEST_CASE("only 32 lower-case hexadecimal digits are the name of an object") {
    const Key128 key{.high = 0x00FF'0000'1234'ABCD, .low = 0x0000'0000'0000'0001};
    CHECK(object_name(key) == "00/00ff00001234abcd0000000000000001");
    CHECK(key_of_hex("00ff00001234abcd0000000000000001") == key);
    CHECK_FALSE(key_of_hex("00FF00001234abcd0000000000000001"));
    CHECK_FALSE(key_of_hex("00ff00001234abcd000000000000000"));
    CHECK_FALSE(key_of_hex("+0ff00001234abcd0000000000000001"));
    CHECK_FALSE(key_of_hex(""));
}

TEST_CASE("a folder that is missing is created, parents included") {
    World world;
    const auto deep = world.folder.path() + "/var/cache/selvage";
    const auto store = open_store(deep, {}, world.log);
    CHECK(store->store(key_number(1), *object_number(1, 10)) == NotStored::None);
    CHECK(std::filesystem::exists(deep + "/objects/v1/" + object_name(key_number(1))));
}

TEST_CASE("a folder that cannot be used leaves the memory tier working") {
    World world;
    SECTION("no folder at all") { check_memory_works(*open_store("", {}, world.log)); }
    SECTION("a file in its place") {
        write_file(world.folder.path() + "/file", "");
        check_memory_works(*open_store(world.folder.path() + "/file", {}, world.log));
    }
    SECTION("a file in the place of the objects") {
        write_file(world.folder.path() + "/objects", "");
        check_memory_works(*world.open());
    }
    SECTION("a link in the place of the objects") {
        std::filesystem::create_directory(world.folder.path() + "/elsewhere");
        std::filesystem::create_directory_symlink(world.folder.path() + "/elsewhere", world.folder.path() + "/objects");
        check_memory_works(*world.open());
    }
}

TEST_CASE("a read-only folder leaves the memory tier working") {
    World world;
    TinyDisk disk(world.folder.path());
    if (disk) {
        world.open().reset();
        REQUIRE(disk.make_read_only());
    } else if (::geteuid() == 0) {
        WARN("skipped: may not mount, and permissions do not bind root");
        return;
    } else {
        REQUIRE(::chmod(world.folder.path().c_str(), 0500) == 0);
    }
    check_memory_works(*world.open());
    ::chmod(world.folder.path().c_str(), 0700);
}

TEST_CASE("a disk that is really full refuses objects, keeps no pieces and serves what it has") {
    World world;
    TinyDisk disk(world.folder.path());
    if (!disk) {
        WARN("skipped: may not mount");
        return;
    }
    const auto store = world.open({.memory_bytes = 64 * kMiB, .disk_bytes = 64 * kMiB});
    std::uint64_t stored = 0;
    auto last = NotStored::None;
    while (stored < 100 && last == NotStored::None) {
        last = store->store(key_number(stored), *object_number(stored, 100'000));
        stored += last == NotStored::None;
    }
    CHECK(last == NotStored::DiskFull);
    CHECK(stored >= 8);
    CHECK(store->stats().disk_bytes == world.folder.bytes_on_disk());
    for (std::uint64_t number = 0; number < stored; ++number) {
        CHECK(same(store->fetch(key_number(number)), object_number(number, 100'000)));
    }
    store->put(key_number(99), object_number(99, 100'000));
    CHECK(store->find(key_number(99)));
}

TEST_CASE("a folder is used by one process at a time") {
    World world;
    int ready[2], done[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(done) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {  // holds the folder until the parent closes the pipe
        const auto theirs = world.open();
        const bool kept = theirs->store(key_number(1), *object_number(1, 100)) == NotStored::None;
        char byte = kept ? 'y' : 'n';
        ::close(done[1]);
        if (::write(ready[1], &byte, 1) != 1) ::_exit(2);
        const auto closed = ::read(done[0], &byte, 1);
        ::_exit(closed == 0 ? 0 : 3);
    }
    char answer = 0;
    REQUIRE(::read(ready[0], &answer, 1) == 1);
    REQUIRE(answer == 'y');
    {
        const auto ours = world.open();
        check_memory_works(*ours);
        CHECK(std::filesystem::exists(world.folder.file_of(key_number(1))));
    }
    for (const int end : {done[0], done[1]}) ::close(end);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);

    const auto ours = world.open();  // the lock died with its process
    CHECK(ours->stats().disk_online);
    CHECK(same(ours->fetch(key_number(1)), object_number(1, 100)));
    for (const int end : {ready[0], ready[1]}) ::close(end);
}

TEST_CASE("two stores of one process do not share a folder either") {
    World world;
    const auto first = world.open();
    check_memory_works(*world.open());
    CHECK(first->stats().disk_online);
}
