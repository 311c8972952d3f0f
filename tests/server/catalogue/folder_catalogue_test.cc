#include "server/catalogue/folder_catalogue.h"

#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "tests/server/catalogue/temporary_folder.h"
#include "transforms/encodings/encodings.h"

using namespace selvage;
using namespace selvage::catalogue;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

// A catalogue of a temporary folder, with a clock that the test moves. The wall clock is an hour ahead, so that files are long
// settled.
struct Site {
    explicit Site(bool watch = true, Options options = {}) {
        const auto wall = std::chrono::system_clock::now().time_since_epoch() + 1h;
        Surroundings surroundings{.steady = [this] { return now(); },
                                  .wall_ns = [this, wall] { return std::chrono::nanoseconds(wall).count() + ahead_.load(); },
                                  .watch = watch};
        auto opened = open_catalogue(folder.path().string(), options, log, std::move(surroundings));
        REQUIRE(opened);
        catalogue = *opened;
    }
    ~Site() { catalogue.reset(); }

    SteadyTime now() const { return SteadyTime{1h} + nanoseconds_.load() * 1ns; }
    void pass(std::chrono::milliseconds time) { nanoseconds_ += std::chrono::nanoseconds(time).count(); }
    void set_wall_back(std::chrono::nanoseconds by) { ahead_ = -by.count(); }

    // What the loop does when the descriptor is readable. Waits for the kernel, as some file systems tell a moment later.
    void notice() const {
        pollfd waiting{.fd = catalogue->watch_descriptor(), .events = POLLIN, .revents = 0};
        if (waiting.fd >= 0 && ::poll(&waiting, 1, 2000) == 1) catalogue->on_watch_readable();
    }
    Entry look(const std::string& path) const {
        auto entry = catalogue->resolve(path);
        REQUIRE(entry);
        return *entry;
    }
    SourcePtr source(const std::string& path) const {
        const Entry entry = look(path);
        REQUIRE(std::holds_alternative<SourcePtr>(entry));
        return std::get<SourcePtr>(entry);
    }
    std::string text(const std::string& path) const {
        const Entry entry = look(path);
        if (std::holds_alternative<Absent>(entry)) return "absent";
        if (std::holds_alternative<Directory>(entry)) return "directory";
        auto bytes = catalogue->read(*std::get<SourcePtr>(entry));
        return bytes ? *bytes : "changed";
    }
    bool absent(const std::string& path) const { return text(path) == "absent"; }
    std::optional<Entry> find(const std::string& path) const {
        auto found = catalogue->find(path, now());
        return found ? std::optional(std::move(found->entry)) : std::nullopt;
    }
    bool remembered(const std::string& path) const { return find(path).has_value(); }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::shared_ptr<FolderCatalogue> catalogue;

private:
    std::atomic<std::int64_t> nanoseconds_{0};
    std::atomic<std::int64_t> ahead_{0};
};

std::string noise(std::size_t size) {
    std::mt19937 random(7);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

}  // namespace

SCENARIO("a path is known by what its file holds") {
    Site site;
    site.folder.write("app.js", "let a = 1;\n");
    REQUIRE_FALSE(site.remembered("/app.js"));
    const SourcePtr source = site.source("/app.js");

    CHECK(source->path == "/app.js");
    CHECK(source->content == sha256("let a = 1;\n"));
    CHECK(source->etag == etag_text(sha256("let a = 1;\n")));  // static-delivery §1: of the content alone
    CHECK(source->size == 11);
    CHECK(source->media_type == "text/javascript; charset=utf-8");
    CHECK(source->compressible);
    CHECK(source->last_modified == http_date(source->modified));
    CHECK(source->bytes->view() == "let a = 1;\n");
    THEN("it is remembered, and found without the disk") {
        REQUIRE(site.remembered("/app.js"));
        CHECK(std::get<SourcePtr>(*site.find("/app.js")) == source);
        CHECK(site.source("/app.js") == source);
        CHECK(site.catalogue->stats().hashed == 1);
    }
    THEN("two files with one content have one entity tag") {
        site.folder.make("copy");
        site.folder.write("copy/other.js", "let a = 1;\n");
        CHECK(site.source("/copy/other.js")->etag == source->etag);
    }
}

SCENARIO("a folder stands for its index.html") {
    Site site;
    site.folder.make("docs/empty");
    site.folder.write("docs/index.html", "hello");
    CHECK(site.text("/docs/") == "hello");
    CHECK(site.source("/docs/")->path == "/docs/index.html");
    CHECK(site.remembered("/docs/"));
    CHECK(site.text("/docs") == "directory");
    CHECK(site.absent("/docs/empty/"));
    CHECK(site.text("/docs/empty") == "directory");
    CHECK(site.absent("/docs/index.html/"));
    CHECK(site.absent("/"));
    WHEN("an index appears at the root") {
        site.folder.write("index.html", "root");
        site.notice();
        CHECK(site.text("/") == "root");
    }
    WHEN("the index is a folder itself") {
        site.folder.make("odd/index.html");
        CHECK(site.absent("/odd/"));
        CHECK_FALSE(std::holds_alternative<Directory>(site.find("/odd/").value_or(Absent{})));
    }
}

SCENARIO("what may not be shown is absent") {  // protocol-and-limits §4
    Site site;
    site.folder.make(".git");
    site.folder.make(".well-known");
    site.folder.make("a");
    site.folder.write(".git/config", "secret");
    site.folder.write(".env", "secret");
    site.folder.write("a/.htpasswd", "secret");
    site.folder.write("a/b", "shown");
    site.folder.write("a%2Fb", "a name with an escape in it");
    site.folder.write(".well-known/security.txt", "Contact: us");
    site.folder.write(".well-known/.hidden", "secret");
    ::mkfifo(site.folder.at("pipe").c_str(), 0600);
    for (const char* path : {"/.git/config", "/.git", "/.env", "/a/.htpasswd", "/a%2Fb", "/a//b", "//a/b", "/a/../.env", "/a/./b",
                             "/pipe", "/.well-known", "/.well-known/.hidden", "/nothing", "/a/b/c", ""}) {
        INFO(path);
        CHECK(site.absent(path));
    }
    CHECK(site.text("/.well-known/security.txt") == "Contact: us");
    CHECK(site.text("/a/b") == "shown");
    CHECK(site.absent("/" + std::string(300, 'x')));
    CHECK(site.absent("/" + std::string(5000, 'x')));
    CHECK(site.absent(std::string("/a/b\0.html", 10)));
}

SCENARIO("changes are seen, whichever way they are made") {
    const bool watch = GENERATE(true, false);
    INFO((watch ? "by inotify" : "by looking again after half a second"));
    Site site(watch);
    site.folder.make("a/deep");
    site.folder.write("a/deep/file.css", "one");
    site.folder.write("other.css", "other");
    CHECK(site.text("/a/deep/file.css") == "one");
    const SourcePtr before = site.source("/a/deep/file.css");
    const auto until_seen = [&] {
        site.notice();
        site.pass(501ms);
    };

    WHEN("it is written in place") {
        site.folder.write("a/deep/file.css", "two!");
        until_seen();
        CHECK(site.text("/a/deep/file.css") == "two!");
        CHECK(site.source("/a/deep/file.css")->serial != before->serial);
    }
    WHEN("it is replaced by rename") {
        site.folder.replace("a/deep/file.css", "two");
        until_seen();
        CHECK(site.text("/a/deep/file.css") == "two");
    }
    WHEN("it is removed, and made again") {
        site.folder.remove("a/deep/file.css");
        until_seen();
        CHECK(site.absent("/a/deep/file.css"));
        site.folder.write("a/deep/file.css", "three");
        until_seen();
        CHECK(site.text("/a/deep/file.css") == "three");
    }
    WHEN("its folder is replaced by another") {
        site.folder.make("b/deep");
        site.folder.write("b/deep/file.css", "two");
        site.folder.rename("a", "old");
        site.folder.rename("b", "a");
        until_seen();
        CHECK(site.text("/a/deep/file.css") == "two");
        CHECK(site.text("/old/deep/file.css") == "one");
        THEN("later changes in the new one are seen as well") {
            site.folder.replace("a/deep/file.css", "three");
            until_seen();
            CHECK(site.text("/a/deep/file.css") == "three");
        }
    }
    WHEN("its folder is removed with all that is in it, and comes back") {
        site.folder.remove("a");
        until_seen();
        CHECK(site.absent("/a/deep/file.css"));
        CHECK(site.absent("/a"));
        site.folder.make("a/deep");
        site.folder.write("a/deep/file.css", "two");
        until_seen();
        CHECK(site.text("/a/deep/file.css") == "two");
        CHECK(site.text("/a") == "directory");
    }
    WHEN("a file appears where a request found none, below folders that were not there either") {
        CHECK(site.absent("/new/folder/x.js"));
        site.folder.make("new/folder");
        site.folder.write("new/folder/x.js", "here");
        until_seen();
        CHECK(site.text("/new/folder/x.js") == "here");
    }
    WHEN("a link to a release is turned to the next one") {
        site.folder.make("releases/1");
        site.folder.make("releases/2");
        site.folder.write("releases/1/x.js", "release 1");
        site.folder.write("releases/2/x.js", "release 2");
        site.folder.link("releases/1", "current");
        CHECK(site.text("/current/x.js") == "release 1");
        site.folder.link("releases/2", "next");
        site.folder.rename("next", "current");
        until_seen();
        CHECK(site.text("/current/x.js") == "release 2");
    }
    WHEN("the root itself is replaced") {
        const std::filesystem::path root = site.folder.path();
        const std::filesystem::path aside = root.string() + "-aside";
        std::filesystem::rename(root, aside);
        std::filesystem::create_directory(root);
        std::filesystem::create_directories(root / "a/deep");
        site.folder.write("a/deep/file.css", "other root");
        site.pass(501ms);
        CHECK_FALSE(site.remembered("/a/deep/file.css"));
        CHECK(site.text("/a/deep/file.css") == "other root");
        site.folder.write("a/deep/file.css", "written later");
        until_seen();
        CHECK(site.text("/a/deep/file.css") == "written later");
        std::filesystem::remove_all(aside);
    }
    WHEN("nothing happens") {
        site.pass(501ms);
        THEN("it stays the same source, and is not hashed again") {
            CHECK(site.source("/a/deep/file.css") == before);
            CHECK(site.catalogue->stats().hashed == 1);
        }
    }
}

SCENARIO("a watched folder needs no second look") {
    Site site;
    site.folder.make("a");
    site.folder.write("a/x.css", "one");
    CHECK(site.text("/a/x.css") == "one");
    CHECK(site.absent("/a/y.css"));
    CHECK(site.catalogue->stats().watches == 2);
    site.pass(24h);
    site.find("/");  // the one that is sent to check the root
    CHECK(site.remembered("/a/x.css"));
    CHECK(site.remembered("/a/y.css"));
    WHEN("a neighbour changes") {
        site.folder.write("a/z.css", "z");
        site.notice();
        THEN("only that name is forgotten") { CHECK(site.remembered("/a/x.css")); }
    }
}

SCENARIO("what was found holds until the catalogue says otherwise") {
    Site site;
    site.folder.make("a");
    site.folder.write("a/x.css", "one");
    site.source("/a/x.css");
    const std::uint64_t changes = site.catalogue->changes();
    const auto found = site.catalogue->find("/a/x.css", site.now());
    REQUIRE(found);
    THEN("half a second at most, as the root itself may have been exchanged") {
        CHECK(found->until > site.now());
        CHECK(found->until <= site.now() + 500ms);
    }
    THEN("nobody hears of a change that there was not") {
        site.notice();
        CHECK(site.catalogue->changes() == changes);
    }
    THEN("a changed, a removed, a new file and a moved folder are told") {
        WHEN("changed") { site.folder.write("a/x.css", "two"); }
        WHEN("removed") { std::filesystem::remove(site.folder.path() / "a/x.css"); }
        WHEN("new") { site.folder.write("a/x.css.br", "sidecar"); }
        WHEN("moved") { std::filesystem::rename(site.folder.path() / "a", site.folder.path() / "b"); }
        site.notice();
        CHECK(site.catalogue->changes() != changes);
    }
}

SCENARIO("an unwatched file holds no longer than its look") {
    Site site(false);
    site.folder.write("x.css", "one");
    site.source("/x.css");
    site.pass(100ms);
    const auto found = site.catalogue->find("/x.css", site.now());
    REQUIRE(found);
    CHECK(found->until <= site.now() + 400ms);
}

SCENARIO("a change that comes while a file is looked at is not overwritten by what was seen before") {
    Site site;
    site.folder.write("x.css", "version 0");
    std::atomic<bool> stop{false};
    std::thread loop([&] {
        while (!stop) {
            pollfd waiting{.fd = site.catalogue->watch_descriptor(), .events = POLLIN, .revents = 0};
            if (::poll(&waiting, 1, 10) == 1) site.catalogue->on_watch_readable();
        }
    });
    std::vector<std::thread> pool;
    std::atomic<bool> mixed{false};
    for (int i = 0; i < 3; ++i) {
        pool.emplace_back([&] {
            while (!stop) {
                if (!site.find("/x.css")) static_cast<void>(site.catalogue->resolve("/x.css"));
                const auto entry = site.find("/x.css");
                if (!entry || !std::holds_alternative<SourcePtr>(*entry)) continue;
                const SourcePtr source = std::get<SourcePtr>(*entry);
                if (source->bytes && sha256(source->bytes->view()) != source->content) mixed = true;
            }
        });
    }
    for (int version = 1; version <= 200; ++version) {
        const std::string content = "version " + std::to_string(version);
        if (version % 2 == 0) {
            site.folder.replace("x.css", content);
        } else {
            site.folder.write("x.css", content);
        }
    }
    stop = true;
    loop.join();
    for (std::thread& thread : pool) thread.join();
    CHECK_FALSE(mixed);
    site.catalogue->on_watch_readable();
    CHECK(site.text("/x.css") == "version 200");
}

SCENARIO("one look serves all who ask at the same time") {
    Site site;
    site.folder.write("big.bin", noise(8 << 20));
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            auto entry = site.catalogue->resolve("/big.bin");
            if (!entry || !std::holds_alternative<SourcePtr>(*entry)) ++failed;
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(site.catalogue->stats().hashed == 1);
}

SCENARIO("a file whose time is too fresh to trust is hashed again once the clock has moved on") {
    Site site;
    site.set_wall_back(1h);
    site.folder.write("x.css", "one");
    const SourcePtr first = site.source("/x.css");
    CHECK(site.catalogue->stats().hashed == 1);
    site.pass(3s);
    site.find("/");
    CHECK_FALSE(site.remembered("/x.css"));
    site.set_wall_back(0ns);
    CHECK(site.source("/x.css") == first);
    CHECK(site.catalogue->stats().hashed == 2);
    site.pass(24h);
    site.find("/");
    CHECK(site.remembered("/x.css"));
}

SCENARIO("links lead out of the root only by option") {  // protocol-and-limits §4
    TemporaryFolder outside;
    outside.write("secret.txt", "secret");
    const bool follow = GENERATE(false, true);
    Site site(true, {.follow_symlinks = follow});
    site.folder.make("in");
    site.folder.write("in/file.txt", "inside");
    site.folder.link("file.txt", "in/link.txt");
    site.folder.link(outside.at("secret.txt"), "out.txt");
    site.folder.link(outside.path().string(), "out");
    site.folder.link("../../../../../../etc/hostname", "up.txt");
    site.folder.link("circle", "circle");
    CHECK(site.text("/in/link.txt") == "inside");
    CHECK(site.absent("/circle"));
    CHECK(site.text("/out.txt") == (follow ? "secret" : "absent"));
    CHECK(site.text("/out/secret.txt") == (follow ? "secret" : "absent"));
    if (!follow) CHECK(site.absent("/up.txt"));
}

SCENARIO("a fingerprinted name that changes its content is never trusted again") {  // static-delivery §2, safety net
    Site site;
    site.folder.write("app.0a1b2c3d.js", "one");
    CHECK(site.source("/app.0a1b2c3d.js")->fingerprinted);
    site.folder.write("app.0a1b2c3d.js", "two");
    site.notice();
    CHECK_FALSE(site.source("/app.0a1b2c3d.js")->fingerprinted);
    site.folder.write("app.0a1b2c3d.js", "one");
    site.notice();
    CHECK_FALSE(site.source("/app.0a1b2c3d.js")->fingerprinted);
    CHECK(site.catalogue->stats().demoted == 1);
}

SCENARIO("a coded form beside a file is used when it decodes to it") {  // static-delivery §4
    using transforms::Coding;
    using transforms::Effort;
    Site site;
    const std::string text = "body { color: green }\n" + std::string(4000, ' ');
    const auto coded = [&](Coding coding) { return *transforms::row_of(coding).encode(text, Effort::First); };
    site.folder.write("x.css", text);
    site.folder.write("x.css.br", coded(Coding::Brotli));
    site.folder.write("x.css.zst", coded(Coding::Zstd));
    site.folder.write("x.css.gz", "this is no gzip");

    const SourcePtr source = site.source("/x.css");
    REQUIRE(source->sidecars.size() == 2);
    for (const Sidecar& sidecar : source->sidecars) {
        CHECK(sidecar.verified);
        CHECK(sidecar.bytes->view() == coded(sidecar.coding));
        CHECK(sidecar.size == coded(sidecar.coding).size());
        std::string read(sidecar.size, '\0');
        CHECK(std::get<std::size_t>(sidecar.file->read_blocking(0, read.data(), read.size())) == sidecar.size);
        CHECK(read == coded(sidecar.coding));
    }
    THEN("it is no URL of its own") {
        CHECK(site.absent("/x.css.br"));
        CHECK(site.absent("/x.css.gz"));
        site.folder.remove("x.css");
        site.notice();
        CHECK(site.text("/x.css.gz") == "this is no gzip");
    }
    THEN("one that holds something else is not used") {
        site.folder.write("x.css.br", *transforms::row_of(Coding::Brotli).encode("body {}", Effort::First));
        site.notice();
        CHECK(site.source("/x.css")->sidecars.size() == 1);
    }
    THEN("one that is older is not used") {
        const auto when = std::filesystem::last_write_time(site.folder.at("x.css"));
        std::filesystem::last_write_time(site.folder.at("x.css.br"), when - 10s);
        site.notice();
        REQUIRE(site.source("/x.css")->sidecars.size() == 1);
        CHECK(site.source("/x.css")->sidecars[0].coding == Coding::Zstd);
    }
    THEN("one that is removed is not used") {
        site.folder.remove("x.css.br");
        site.notice();
        CHECK(site.source("/x.css")->sidecars.size() == 1);
    }
    THEN("an archive beside a file of a kind that is never coded is a file of its own") {
        site.folder.write("source.tar", "tar");
        site.folder.write("source.tar.gz", "gz");
        site.folder.write("alone.csv.gz", "gz");
        CHECK(site.text("/source.tar.gz") == "gz");
        CHECK(site.text("/alone.csv.gz") == "gz");
        CHECK(site.source("/alone.csv.gz")->media_type == "application/gzip");
    }
}

SCENARIO("unknown types are coded when a sample says so") {  // static-delivery §3
    Site site;
    site.folder.write("readme", std::string(5000, 'a'));
    site.folder.write("data.xyz", noise(5000));
    site.folder.write("photo.jpg", std::string(5000, 'a'));
    CHECK(site.source("/readme")->compressible);
    CHECK_FALSE(site.source("/data.xyz")->compressible);
    CHECK_FALSE(site.source("/photo.jpg")->compressible);
}

SCENARIO("memory and descriptors are bounded") {
    Site site(true, {.memory_file = 1000, .memory_bytes = 2500, .entries = 8});
    for (int i = 0; i < 20; ++i)
        site.folder.write("f" + std::to_string(i) + ".bin", std::string(1000, static_cast<char>('a' + i)));
    std::vector<SourcePtr> sources;
    for (int i = 0; i < 20; ++i) sources.push_back(site.source("/f" + std::to_string(i) + ".bin"));

    const auto stats = site.catalogue->stats();
    CHECK(stats.entries == 8);
    CHECK(stats.evicted == 12);
    CHECK(stats.bytes == 2000);
    THEN("what is not kept is read from its file") {
        CHECK(sources[0]->bytes);
        CHECK_FALSE(sources[19]->bytes);
        CHECK(*site.catalogue->read(*sources[19]) == std::string(1000, static_cast<char>('a' + 19)));
    }
    THEN("memory comes back with the last user of a source") {
        sources.clear();
        CHECK(site.catalogue->stats().bytes <= 2000);
        for (int i = 0; i < 20; ++i) static_cast<void>(site.source("/f" + std::to_string(i) + ".bin"));
        CHECK(site.catalogue->stats().bytes <= 2500);
    }
    THEN("a scan for what is not there leaves what is used") {
        const std::string used = "/f19.bin";
        for (int i = 0; i < 100; ++i) {
            CHECK(site.remembered(used));
            CHECK(site.absent("/missing" + std::to_string(i)));
        }
        CHECK(site.remembered(used));
    }
}

SCENARIO("a source that is no longer there is not read as if it were") {
    Site site(true, {.memory_file = 10});
    site.folder.write("x.bin", std::string(5000, 'a'));
    const SourcePtr source = site.source("/x.bin");
    CHECK(site.catalogue->read(*source)->size() == 5000);
    site.folder.write("x.bin", std::string(5000, 'b'));
    const auto bytes = site.catalogue->read(*source);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().kind == ErrorKind::NotFound);
}

SCENARIO("an empty file is a file") {
    Site site;
    site.folder.write("empty.css", "");
    CHECK(site.source("/empty.css")->size == 0);
    CHECK(site.text("/empty.css").empty());
}

SCENARIO("a root that is not there is a mistake to be told") {
    Log log(2, LogLevel::Off);
    const auto opened = open_catalogue("/nonexistent/selvage", {}, log);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == ErrorKind::NotFound);
}

namespace {

// A catalogue whose root had something in its releases. Its wall clock is the system's: what is written now is fresh.
struct Released {
    Released() {
        contents = std::make_shared<releases::Contents>(cache.path().string(), 64 << 20, log);
        ledger =
            std::make_shared<releases::Ledger>(cache.path().string(), folder.path().string(), releases::Limits{}, contents, log);
        auto opened = open_catalogue(folder.path().string(), {}, log, {.ledger = ledger});
        REQUIRE(opened);
        catalogue = *opened;
    }
    // What the folder has of these is a release.
    void release(const std::vector<std::string>& paths) {
        std::vector<releases::Present> build;
        for (const std::string& path : paths) {
            const auto file = catalogue->measure(path, Lifetime::Long);
            REQUIRE(file);
            ledger->keep(file->content, file->file.descriptor.number(), file->file.version.size);
            build.push_back({.path = path,
                             .content = file->content,
                             .size = file->file.version.size,
                             .modified = file->modified,
                             .fingerprinted = file->fingerprinted,
                             .compressible = file->compressible});
        }
        ledger->take_in(build);
    }
    void notice() const {
        pollfd waiting{.fd = catalogue->watch_descriptor(), .events = POLLIN, .revents = 0};
        if (waiting.fd >= 0 && ::poll(&waiting, 1, 2000) == 1) catalogue->on_watch_readable();
    }
    Entry look(const std::string& path) const {
        auto entry = catalogue->resolve(path);
        REQUIRE(entry);
        return *entry;
    }
    SourcePtr source(const std::string& path) const {
        const Entry entry = look(path);
        const auto* source = std::get_if<SourcePtr>(&entry);
        return source ? *source : nullptr;
    }
    bool being_written(const std::string& path) const {
        const Entry entry = look(path);
        const auto* absent = std::get_if<Absent>(&entry);
        return absent != nullptr && absent->being_written;
    }

    TemporaryFolder folder, cache;
    Log log{2, LogLevel::Off};
    std::shared_ptr<releases::Contents> contents;
    std::shared_ptr<releases::Ledger> ledger;
    std::shared_ptr<FolderCatalogue> catalogue;
};

const std::string kScript = "/app-BkS2dFq1.js";

}  // namespace

SCENARIO("a fingerprinted file that went is the same source still") {  // static-delivery §1, deploy race
    Released site;
    site.folder.write("app-BkS2dFq1.js", "let a = 1;\n");
    site.folder.write("plain.js", "let b = 1;\n");
    site.release({kScript, "/plain.js"});
    const SourcePtr before = site.source(kScript);
    REQUIRE(before);
    site.folder.remove("app-BkS2dFq1.js");
    site.folder.remove("plain.js");
    site.notice();
    const SourcePtr after = site.source(kScript);
    REQUIRE(after);
    CHECK(after->serial != before->serial);
    CHECK(after->etag == before->etag);
    CHECK(after->last_modified == before->last_modified);
    CHECK(after->media_type == before->media_type);
    CHECK(after->fingerprinted);
    CHECK(after->compressible);
    CHECK(site.catalogue->read(*after) == "let a = 1;\n");
    CHECK(site.source(kScript) == after);
    CHECK_FALSE(site.source("/plain.js"));  // a name that may mean something else tomorrow
    CHECK_FALSE(site.being_written("/plain.js"));
    THEN("it can be sent as a file") {
        std::string into(3, '.');
        CHECK(std::get<std::size_t>(after->file->read_blocking(4, into.data(), 3)) == 3);
        CHECK(into == "a =");
    }
    THEN("when it comes back it is the folder's") {
        site.folder.write("app-BkS2dFq1.js", "let a = 1;\n");
        site.notice();
        const SourcePtr again = site.source(kScript);
        REQUIRE(again);
        CHECK(again->serial != after->serial);
        CHECK(again->etag == before->etag);
    }
    THEN("when its copy is broken it is gone") {
        const std::string digits = hex(before->content);
        std::ofstream(site.cache.at("contents/" + digits.substr(0, 2) + "/" + digits)) << "let a = 2;\n";
        site.folder.write("app-BkS2dFq1.js", "");
        site.folder.remove("app-BkS2dFq1.js");
        site.notice();
        CHECK_FALSE(site.source(kScript));
        CHECK(site.contents->stats().broken == 1);
    }
    THEN("when it is purged it is gone") {
        site.ledger->take_in({});
        site.catalogue->forget("/");
        CHECK(site.source(kScript));
        site.catalogue->forget(kScript);
        CHECK_FALSE(site.source(kScript));
    }
}

SCENARIO("a file that somebody is writing is what it was before") {
    Released site;
    site.folder.write("page.html", "before");
    REQUIRE(site.source("/page.html"));
    std::ofstream writer(site.folder.at("page.html"));
    writer << "half" << std::flush;
    site.notice();
    const SourcePtr meanwhile = site.source("/page.html");
    REQUIRE(meanwhile);
    CHECK(meanwhile->bytes->view() == "before");
    CHECK(site.catalogue->stats().half_as_before > 0);
    writer << " and whole" << std::flush;
    writer.close();
    site.notice();
    const SourcePtr after = site.source("/page.html");
    REQUIRE(after);
    CHECK(after->bytes->view() == "half and whole");
}

SCENARIO("a new file that somebody is writing is not there yet") {
    Released site;
    std::ofstream writer(site.folder.at("page.html"));
    writer << "half" << std::flush;
    CHECK(site.being_written("/page.html"));
    CHECK_FALSE(site.catalogue->measure("/page.html", Lifetime::Long));
    writer.close();
    site.notice();
    REQUIRE(site.source("/page.html"));
    THEN("nor one that is renamed into place while it is open") {
        std::ofstream other(site.folder.at("other.tmp"));
        other << "half" << std::flush;
        site.folder.rename("other.tmp", "other.html");
        CHECK(site.being_written("/other.html"));
    }
    THEN("one that was renamed into place is there at once") {
        site.folder.replace("page.html", "renamed");
        site.notice();
        CHECK(site.source("/page.html")->bytes->view() == "renamed");
    }
}

SCENARIO("a long-lived file that is being copied over is its kept copy") {
    Released site;
    site.folder.write("app-BkS2dFq1.js", "let a = 1;\n");
    site.release({kScript});
    std::ofstream writer(site.folder.at("app-BkS2dFq1.js"));
    writer << "let" << std::flush;
    const SourcePtr meanwhile = site.source(kScript);
    REQUIRE(meanwhile);
    CHECK(meanwhile->bytes->view() == "let a = 1;\n");
    CHECK(meanwhile->fingerprinted);
}
