#include "server/transform_command_files.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

using namespace selvage;
using namespace selvage::server;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "selvage-files-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string operator/(const std::string& name) const { return (path / name).string(); }
    void make(const std::string& name) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << name;
    }

    fs::path path;
};

std::vector<std::string> found(const std::string& input, Folders folders) {
    const std::array<std::string, 1> inputs = {input};
    std::vector<std::string> names;
    const auto sources = find_sources(inputs, folders);
    if (!sources) return {"error"};
    for (const SourceFile& source : *sources) names.push_back(source.folder + "|" + source.stem);
    return names;
}

std::string place(std::string_view pattern, const SourceFile& source, bool several = true) {
    const auto output = OutputPattern::parse(pattern, several);
    return output ? output->path_for(source, transforms::Format::Avif) : output.error().detail;
}

}  // namespace

SCENARIO("files, folders and globs name the sources of a transformation") {
    const Folder folder;
    for (const char* name : {"b.JPG", "a.png", "notes.txt", "sub/c.tif", ".hidden.jpg", ".git/d.jpg"}) folder.make(name);
    using Names = std::vector<std::string>;
    CHECK(found(folder / "notes.txt", Folders::Flat) == Names{"|notes"});  // who names a file means it
    CHECK(found(folder.path.string(), Folders::Flat) == Names{"|a", "|b"});
    CHECK(found(folder.path.string(), Folders::Recursive) == Names{"|a", "|b", "sub|c"});
    CHECK(found(folder / "*.[jJ][pP][gG]", Folders::Flat) == Names{"|b"});
    CHECK(found(folder / "nothing.jpg", Folders::Flat) == Names{"error"});
    CHECK(found("-", Folders::Flat) == Names{"|stdin"});
}

SCENARIO("OUT says where the results go") {
    const SourceFile cat{.path = "in/x/cat.jpg", .folder = "x", .stem = "cat"};
    const SourceFile named{.path = "cat.jpg", .folder = {}, .stem = "cat"};
    CHECK(place("out", cat) == "out/x/cat.avif");
    CHECK(place("out/", named) == "out/cat.avif");
    CHECK(place("out.avif", named, false) == "out.avif");
    CHECK(place("{dir}/{name}-640.{ext}", cat) == "x/cat-640.avif");
    CHECK(place("{dir}/{name}-640.{ext}", named) == "cat-640.avif");
    CHECK(place("/abs/{dir}/{name}.{ext}", named) == "/abs/cat.avif");
    CHECK(OutputPattern::parse("a.webp", false)->format() == transforms::Format::Webp);
    CHECK(OutputPattern::parse("a.JPG", false)->format() == transforms::Format::Jpeg);
    CHECK_FALSE(OutputPattern::parse("a.{ext}", false)->format());
    CHECK_FALSE(OutputPattern::parse("a.tiff", false)->format());  // cannot be written
    THEN("what makes no sense is refused") {
        CHECK_FALSE(OutputPattern::parse("-", true));
        CHECK_FALSE(OutputPattern::parse("one-{ext}.avif", true));
        CHECK_FALSE(OutputPattern::parse("{w}/{name}.avif", true));
        CHECK_FALSE(OutputPattern::parse("", false));
    }
}

SCENARIO("a file is written whole or not at all") {
    const Folder folder;
    const auto target = folder / "new/a.jpg";
    REQUIRE(write_whole(target, "first", Existing::Keep));
    CHECK_FALSE(write_whole(target, "second", Existing::Keep));
    CHECK(read_whole(target, 100) == std::string("first"));
    REQUIRE(write_whole(target, "third", Existing::Replace));
    CHECK(read_whole(target, 100) == std::string("third"));
    CHECK(std::distance(fs::directory_iterator(folder / "new"), fs::directory_iterator()) == 1);
    CHECK_FALSE(read_whole(target, 3));
}
