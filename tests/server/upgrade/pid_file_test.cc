#include "server/upgrade/pid_file.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using selvage::testing::TemporaryFolder;
using upgrade::PidFile;

SCENARIO("a pid file names who serves") {
    const TemporaryFolder folder;
    const std::string path = folder.path().string() + "/pid";
    std::optional<PidFile> ours(*PidFile::write(path));
    CHECK(PidFile::read(path) == ::getpid());
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);

    THEN("it goes with its process") {
        ours.reset();
        CHECK(!std::filesystem::exists(path));
    }
    THEN("it stays when a successor has replaced it") {
        std::ofstream(path) << "1\n";
        ours.reset();
        CHECK(PidFile::read(path) == 1);
    }
    THEN("one of a process that died is replaced") {
        std::ofstream(path) << "999999999\n";
        const auto again = PidFile::write(path);
        CHECK(PidFile::read(path) == ::getpid());
    }
}

TEST_CASE("what is no pid file is an error that names it") {
    const TemporaryFolder folder;
    const std::string path = folder.path().string() + "/pid";
    CHECK(PidFile::read(path).error().kind == ErrorKind::NotFound);
    std::ofstream(path) << "text\n";
    CHECK(PidFile::read(path).error().kind == ErrorKind::BadRequest);
    const auto nowhere = PidFile::write(folder.path().string() + "/no/pid");
    REQUIRE(!nowhere);
    CHECK(nowhere.error().detail.find("/no/pid") != std::string::npos);
}
