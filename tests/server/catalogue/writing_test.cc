#include "server/catalogue/writing.h"

#include <catch2/catch.hpp>
#include <fcntl.h>

#include <thread>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::catalogue;
using selvage::testing::TemporaryFolder;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// As a file on a system without leases is, and one whose clock the test knows: a pipe has none.
struct Leaseless {
    Leaseless() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        file.descriptor.reset(ends[0]);
        other.reset(ends[1]);
        file.kind = origins::Found::Kind::File;
    }
    origins::Found file;
    FileDescriptor other;
};

}  // namespace

SCENARIO("the kernel knows who has a file open for writing") {
    TemporaryFolder folder;
    folder.write("file", "text");
    const FileDescriptor reader(::open(folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(writer_of(reader.number()) == Writer::Nobody);
    {
        const FileDescriptor other(::open(folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
        CHECK(writer_of(reader.number()) == Writer::Nobody);
        const FileDescriptor writer(::open(folder.at("file").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
        CHECK(writer_of(reader.number()) == Writer::Somebody);
        CHECK(writer_of(other.number()) == Writer::Somebody);
    }
    CHECK(writer_of(reader.number()) == Writer::Nobody);
    CHECK(writer_of(Leaseless().file.descriptor.number()) == Writer::Unknown);
}

SCENARIO("who opens a file for writing while we ask is not disturbed, and we are not ended by a signal") {
    TemporaryFolder folder;
    folder.write("file", "text");
    const FileDescriptor reader(::open(folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const FileDescriptor file(::open(folder.at("file").c_str(), O_WRONLY | O_CLOEXEC));
            REQUIRE(file);
        }
    });
    int seen = 0;
    for (int i = 0; i < 20'000; ++i) seen += writer_of(reader.number()) == Writer::Somebody ? 1 : 0;
    CHECK(seen < 20'000);
}

SCENARIO("a file in the making is known by its writer, and for ten seconds only") {
    TemporaryFolder folder;
    const Works works(10);
    folder.write("file", "text");
    origins::Found file{.kind = origins::Found::Kind::File};
    file.descriptor.reset(::open(folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
    file.version = *origins::version_of(file.descriptor.number());
    const std::int64_t changed = file.version.changed_ns;
    CHECK_FALSE(is_being_written(file, "/file", works, changed));
    const FileDescriptor writer(::open(folder.at("file").c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(is_being_written(file, "/file", works, changed));
    CHECK(is_being_written(file, "/file", works, changed + 10 * kSecond - 1));
    THEN("a log file that somebody keeps open is served") {
        CHECK_FALSE(is_being_written(file, "/file", works, changed + 10 * kSecond));
    }
    THEN("so is one whose time somebody has set to the future") {
        CHECK_FALSE(is_being_written(file, "/file", works, changed - 3600 * kSecond));
    }
}

SCENARIO("where there are no leases, the watch tells what is being written") {
    Leaseless pipe;
    pipe.file.version.changed_ns = 1000 * kSecond;
    const auto being_written = [&pipe](const Works& works, std::int64_t age) {
        return is_being_written(pipe.file, "/a/file", works, pipe.file.version.changed_ns + age);
    };
    Works works(2);
    THEN("what it has not seen is trusted after a tenth of a second") {
        CHECK(being_written(works, 0));
        CHECK(being_written(works, kSecond / 10 - 1));
        CHECK_FALSE(being_written(works, kSecond / 10));
    }
    works.begun("/a/file");
    CHECK(being_written(works, 5 * kSecond));
    CHECK_FALSE(being_written(works, 10 * kSecond));
    THEN("until it is closed or renamed") {
        works.finished("/a/file");
        CHECK_FALSE(being_written(works, 0));
        works.begun("/a/file");
        CHECK(being_written(works, kSecond));
    }
    THEN("until it is gone, or its folder is") {
        works.forget_below("/b/");
        CHECK(being_written(works, kSecond));
        works.forget_below("/a/");
        CHECK_FALSE(being_written(works, kSecond));
    }
    THEN("of too many at once nothing is known any more") {
        works.begun("/1");
        works.begun("/2");
        CHECK(works.writer_of("/a/file") == Writer::Unknown);
    }
}
