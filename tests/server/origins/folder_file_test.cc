#include "server/origins/folder_file.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <filesystem>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::origins;
using selvage::http::OpenFile;
using selvage::http::OpenFilePtr;
using selvage::testing::TemporaryFolder;

namespace {

struct Site {
    explicit Site(FolderOptions options = {}, std::size_t most_open = 100)
        : folder(*Folder::open(files.path().string(), options)), open_files(std::make_shared<OpenFiles>(most_open)) {}

    OpenFilePtr open(const std::string& path, std::string_view content) const {
        return open_folder_file(folder, path, std::move(*folder->look(path)), sha256(content), open_files);
    }

    TemporaryFolder files;
    std::shared_ptr<const Folder> folder;
    std::shared_ptr<OpenFiles> open_files;
};

using Outcome = std::variant<std::size_t, OpenFile::Failure>;

std::string read_blocking(const OpenFile& file, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    const Outcome outcome = file.read_blocking(offset, bytes.data(), size);
    if (const auto* failure = std::get_if<OpenFile::Failure>(&outcome)) {
        return *failure == OpenFile::Failure::Changed ? "changed" : "failed";
    }
    bytes.resize(std::get<std::size_t>(outcome));
    return bytes;
}

}  // namespace

SCENARIO("a file is read in slices, short only at its end") {
    Site site;
    site.files.write("a.txt", "0123456789");
    const auto file = site.open("/a.txt", "0123456789");
    CHECK(file->size() == 10);
    CHECK(read_blocking(*file, 0, 4) == "0123");
    CHECK(read_blocking(*file, 8, 4) == "89");
    CHECK(read_blocking(*file, 10, 4).empty());
    CHECK(read_blocking(*file, 99, 4).empty());
    THEN("what was just written is in the page cache and needs no disk") {
        std::string bytes(10, '\0');
        const Outcome outcome = file->read_now(0, bytes.data(), bytes.size());
        if (std::holds_alternative<std::size_t>(outcome)) CHECK(bytes == "0123456789");  // else: a file system without RWF_NOWAIT
    }
}

SCENARIO("a response is never put together from two versions") {
    Site site;
    site.files.write("a.txt", "0123456789");
    const auto file = site.open("/a.txt", "0123456789");
    CHECK(read_blocking(*file, 0, 5) == "01234");
    WHEN("the file is written in place") {
        site.files.write("a.txt", "abcdefghijk");
        CHECK(read_blocking(*file, 5, 5) == "changed");
    }
    WHEN("it is written in place and its times are put back") {
        const auto when = std::filesystem::last_write_time(site.files.at("a.txt"));
        // Until the kernel's clock has ticked, so that ctime tells the two apart.
        const auto before = site.folder->look("/a.txt")->version.changed_ns;
        do {
            site.files.write("a.txt", "ABCDEFGHIJ");
            std::filesystem::last_write_time(site.files.at("a.txt"), when);
        } while (site.folder->look("/a.txt")->version.changed_ns == before);
        CHECK(read_blocking(*file, 5, 5) == "changed");
    }
    WHEN("it is cut short") {
        std::filesystem::resize_file(site.files.at("a.txt"), 3);
        CHECK(read_blocking(*file, 5, 5) == "changed");
    }
    WHEN("it is replaced by rename, as deploys do") {
        site.files.replace("a.txt", "abcdefghij");
        THEN("the response goes on with the old content") { CHECK(read_blocking(*file, 5, 5) == "56789"); }
    }
    WHEN("it is removed") {
        site.files.remove("a.txt");
        CHECK(read_blocking(*file, 5, 5) == "56789");
    }
    WHEN("only its mode changes") {
        ::chmod(site.files.at("a.txt").c_str(), 0600);
        THEN("its content is checked once, and the response goes on") { CHECK(read_blocking(*file, 5, 5) == "56789"); }
    }
}

SCENARIO("no more files are open than the bound, and a closed one is opened again when it is read") {
    Site site({}, 2);
    std::vector<OpenFilePtr> files;
    for (int i = 0; i < 5; ++i) {
        const std::string name = "f" + std::to_string(i);
        site.files.write(name, name);
        files.push_back(site.open("/" + name, name));
        CHECK(site.open_files->count() <= 2);
    }
    for (int i = 0; i < 5; ++i) CHECK(read_blocking(*files[static_cast<std::size_t>(i)], 0, 9) == "f" + std::to_string(i));
    CHECK(site.open_files->count() == 2);
    THEN("one that was replaced while it was closed is not taken for the old one") {
        site.files.replace("f0", "new");
        CHECK(read_blocking(*files[0], 0, 9) == "changed");
    }
    files.clear();
    CHECK(site.open_files->count() == 0);
}

SCENARIO("without openat2 the walk is as strict") {  // protocol-and-limits §4
    const bool use_openat2 = GENERATE(true, false);
    TemporaryFolder outside;
    outside.write("secret", "x");
    Site site({.follow_symlinks = false, .use_openat2 = use_openat2});
    site.files.make("a/b");
    site.files.write("a/b/c", "deep");
    site.files.link(outside.path().string(), "out");
    site.files.link(outside.at("secret"), "a/out");
    site.files.link("/", "root");
    ::mkfifo(site.files.at("pipe").c_str(), 0600);
    const auto kind = [&](std::string_view path) { return site.folder->look(path)->kind; };
    using Kind = Found::Kind;
    CHECK(kind("/a/b/c") == Kind::File);
    CHECK(kind("/a/b") == Kind::Directory);
    CHECK(kind("/a/b/") == Kind::Directory);
    CHECK(kind("/") == Kind::Directory);
    for (const char* path : {"/out/secret", "/a/out", "/root/etc/passwd", "/../etc/passwd", "/a/../../etc/passwd", "/pipe",
                             "/a/b/c/", "/a/b/c/d", "/none", "/none/none", "/a//b", ""}) {
        INFO(path);
        CHECK(kind(path) == Kind::Absent);
    }
}

SCENARIO("devices are not served") {
    const auto folder = *Folder::open("/dev", {.follow_symlinks = true});
    CHECK(folder->look("/null")->kind == Found::Kind::Absent);
    CHECK(folder->look("/zero")->kind == Found::Kind::Absent);
    CHECK(folder->look("/tty")->kind == Found::Kind::Absent);
}
