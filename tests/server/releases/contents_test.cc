#include "server/releases/contents.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::releases;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

constexpr WallTime kNow{1'800'000'000s};

struct House {
    explicit House(std::uint64_t most = 1 << 20) : most_(most) { open(); }
    void open() { contents = std::make_unique<Contents>(folder.at("cache"), most_, log); }

    Contents::Keeping keep(const std::string& text, WallTime now = kNow) {
        folder.write("file", text);
        const FileDescriptor file(::open(folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
        return contents->keep(sha256(text), file.number(), text.size(), now);
    }
    std::string text(const std::string& of) const {
        auto bytes = contents->read(sha256(of));
        return bytes ? std::string((*bytes)->view()) : "none";
    }
    std::filesystem::path place(const std::string& of) const {
        const std::string digits = hex(sha256(of));
        return folder.path() / "cache" / "contents" / digits.substr(0, 2) / digits;
    }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::unique_ptr<Contents> contents;

private:
    const std::uint64_t most_;
};

std::string block(char c) { return std::string(4096, c); }

}  // namespace

SCENARIO("contents are read one behind the other") {
    House house;
    house.keep(block('a'));
    house.keep("short");
    std::string room = "what was there", expected = room;
    for (const std::string& text : {block('a'), std::string("short"), block('a')}) {
        REQUIRE(house.contents->append(sha256(text), room));
        CHECK(room == (expected += text));
    }
    CHECK_FALSE(house.contents->append(sha256("never kept"), room));
    CHECK(room == expected);
    THEN("and looked at again when its file has changed") {
        std::ofstream(house.place("short")) << "other";
        CHECK_FALSE(house.contents->append(sha256("short"), room));
        CHECK(room == expected);
        CHECK_FALSE(house.contents->kept(sha256("short")));
    }
}

SCENARIO("a content that is kept outlives its file and the process") {
    House house;
    CHECK(house.text("hello") == "none");
    CHECK(house.keep("hello") == Contents::Keeping::Kept);
    CHECK(house.keep("hello") == Contents::Keeping::Kept);
    CHECK(house.keep("") == Contents::Keeping::Kept);
    house.folder.remove("file");
    CHECK(house.text("hello") == "hello");
    CHECK(house.text("").empty());
    CHECK(std::filesystem::exists(house.place("hello")));
    house.open();
    CHECK(house.contents->kept(sha256("hello")));
    CHECK(house.text("hello") == "hello");
    CHECK(house.contents->stats().files == 2);
    THEN("it can be sent as a file") {
        const auto file = house.contents->open(sha256("hello"));
        REQUIRE(file);
        std::string into(5, '.');
        CHECK(std::get<std::size_t>(file->read_blocking(0, into.data(), 5)) == 5);
        CHECK(into == "hello");
    }
}

SCENARIO("a kept file with another content than its name says is not used, and removed") {
    House house;
    house.keep("hello");
    house.keep("there");
    house.keep("world");
    house.open();  // what it has just written it believes
    std::filesystem::resize_file(house.place("hello"), 3);
    CHECK(house.text("hello") == "none");
    CHECK_FALSE(house.contents->kept(sha256("hello")));
    CHECK_FALSE(std::filesystem::exists(house.place("hello")));
    std::ofstream(house.place("there")) << "where";
    CHECK(house.contents->open(sha256("there")) == nullptr);
    CHECK(house.contents->stats().broken == 2);
    THEN("one that somebody else removed is simply not kept") {
        std::filesystem::remove(house.place("world"));
        CHECK(house.text("world") == "none");
        CHECK(house.contents->stats().broken == 2);
        CHECK(house.keep("world") == Contents::Keeping::Kept);
        CHECK(house.text("world") == "world");
    }
}

SCENARIO("a file that is no longer what was hashed is not kept") {
    House house;
    house.folder.write("file", "new text");
    const FileDescriptor file(::open(house.folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(house.contents->keep(sha256("old"), file.number(), 3, kNow) == Contents::Keeping::Changed);
    CHECK_FALSE(house.contents->kept(sha256("old")));
}

SCENARIO("what has been gone for longest makes room") {
    House house(8 * 4096);
    for (const char c : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}) {
        REQUIRE(house.keep(block(c)) == Contents::Keeping::Kept);
        house.contents->hold(sha256(block(c)));
    }
    CHECK(house.contents->stats().bytes == 8 * 4096);
    THEN("but nothing that a folder has") { CHECK(house.keep(block('i')) == Contents::Keeping::NoRoom); }
    THEN("nor what went less than an hour ago") {
        house.contents->set_gone(sha256(block('a')), kNow - 59min);
        CHECK(house.keep(block('i')) == Contents::Keeping::NoRoom);
        CHECK(house.contents->kept(sha256(block('a'))));
    }
    THEN("the others in their order") {
        house.contents->set_gone(sha256(block('a')), kNow - 2h);
        house.contents->set_gone(sha256(block('b')), kNow - 3h);
        CHECK(house.keep(block('i')) == Contents::Keeping::Kept);
        CHECK_FALSE(house.contents->kept(sha256(block('b'))));
        CHECK(house.contents->kept(sha256(block('a'))));
        CHECK(house.contents->stats().evicted == 1);
        CHECK(house.contents->stats().bytes == 8 * 4096);
    }
    THEN("a file of more than an eighth of all is not kept") {
        CHECK(house.keep(std::string(4097, 'x')) == Contents::Keeping::NoRoom);
    }
    THEN("less may be allowed later") {
        house.contents->set_gone(sha256(block('a')), kNow);
        house.contents->set_most(7 * 4096);
        CHECK_FALSE(house.contents->kept(sha256(block('a'))));
        CHECK(house.contents->stats().files == 7);
    }
}

SCENARIO("a content stays while somebody holds it") {
    House house;
    house.keep("hello");
    house.contents->hold(sha256("hello"));
    house.contents->hold(sha256("hello"));
    house.contents->let_go(sha256("hello"));
    CHECK(house.text("hello") == "hello");
    THEN("the last one who lets go removes it") {
        house.contents->let_go(sha256("hello"));
        CHECK(house.text("hello") == "none");
        CHECK_FALSE(std::filesystem::exists(house.place("hello")));
    }
    THEN("a root that is closed leaves it where it is") {
        house.contents->leave(sha256("hello"));
        CHECK(house.text("hello") == "hello");
        house.contents->forget_unheld(std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()));
        CHECK(house.text("hello") == "hello");
        house.contents->forget_unheld(std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()) +
                                      24h * 31);
        CHECK(house.text("hello") == "none");
    }
}

SCENARIO("a disk that takes no more loses nothing that is there") {
    House house;
    REQUIRE(house.keep("hello") == Contents::Keeping::Kept);
    // As a full disk, to this process: no file beyond 8 KiB can be written.
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    house.folder.write("large", std::string(100'000, 'x'));
    const FileDescriptor file(::open(house.folder.at("large").c_str(), O_RDONLY | O_CLOEXEC));
    const rlimit little{.rlim_cur = 8192, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &little) == 0);
    const auto keeping = house.contents->keep(sha256(std::string(100'000, 'x')), file.number(), 100'000, kNow);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);

    CHECK(keeping == Contents::Keeping::Failed);
    CHECK(house.text("hello") == "hello");
    CHECK(house.contents->stats().files == 1);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(house.folder.path() / "cache")) {
        files += entry.is_regular_file() ? 1 : 0;
    }
    CHECK(files == 1);  // nothing half is left
    THEN("when there is room again, it goes on") { CHECK(house.keep(std::string(100'000, 'x')) == Contents::Keeping::Kept); }
}

SCENARIO("a folder that cannot be used keeps nothing and breaks nothing") {
    TemporaryFolder folder;
    folder.write("cache", "a file where the folder should be");
    Log log{2, LogLevel::Off};
    Contents contents(folder.at("cache"), 1 << 20, log);
    const FileDescriptor file(::open(folder.at("cache").c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(contents.keep(sha256("x"), file.number(), 33, kNow) == Contents::Keeping::Failed);
    contents.hold(sha256("x"));
    CHECK_FALSE(contents.kept(sha256("x")));
    CHECK_FALSE(contents.read(sha256("x")));
    CHECK(contents.open(sha256("x")) == nullptr);
    contents.let_go(sha256("x"));
}
