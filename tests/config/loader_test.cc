// What load() checks beyond the text: what a configuration names is there.
#include "config/loader.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace selvage::config;
namespace fs = std::filesystem;

namespace {

// A folder with a configuration in it; gone afterwards.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "selvage-config-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() { fs::remove_all(path_); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name) << text;
        return (path_ / name).string();
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::vector<std::string> mistakes(const std::string& file) {
    const auto config = load(file);
    std::vector<std::string> messages;
    if (config) return messages;
    for (const Diagnostic& diagnostic : config.error()) {
        messages.push_back(std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) + " " + diagnostic.message);
    }
    return messages;
}

}  // namespace

SCENARIO("a file is loaded when everything it names is there") {
    const Folder folder;
    const std::string file = folder.write("selvage.toml",
                                          "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"
                                          "[[site]]\nroot = \"public\"\n");
    const std::string base = folder.path().string();

    WHEN("nothing is there") {
        CHECK(mistakes(file) ==
              std::vector<std::string>{
                  "2:15 tls.certificate: expected a readable file; " + base + "/cert.pem: No such file or directory",
                  "3:7 tls.key: expected a readable file; " + base + "/key.pem: No such file or directory",
                  "5:8 site.root: expected a folder; " + base + "/public: No such file or directory",
              });
        THEN("the text alone is right") { CHECK(parse("[[site]]\nroot = \"public\"\n", file).has_value()); }
    }
    WHEN("the root is a file and the certificate a folder") {
        folder.write("public", "");
        folder.write("key.pem", "");
        fs::create_directory(folder.path() / "cert.pem");
        CHECK(mistakes(file) == std::vector<std::string>{
                                    "2:15 tls.certificate: expected a readable file; " + base + "/cert.pem is a folder",
                                    "5:8 site.root: expected a folder; " + base + "/public is none",
                                });
    }
    WHEN("all is there") {
        folder.write("cert.pem", "");
        folder.write("key.pem", "");
        fs::create_directory(folder.path() / "public");
        const auto config = load(file);
        REQUIRE(config);
        CHECK(config->sites.at(0).root == base + "/public");
    }
}

TEST_CASE("a file that cannot be read is one mistake at 0:0 that says why") {
    const Folder folder;
    CHECK(mistakes((folder.path() / "none.toml").string()) ==
          std::vector<std::string>{"0:0 cannot be read: No such file or directory"});
    CHECK(mistakes(folder.path().string()) == std::vector<std::string>{"0:0 cannot be read: Is a directory"});
}

TEST_CASE("something endless is not read to its end") {
    CHECK(mistakes("/dev/zero") == std::vector<std::string>{"1:1 a configuration has at most 1 MiB"});
}

TEST_CASE("a diagnostic is written as compilers write theirs") {
    CHECK(to_string(Diagnostic{"a.toml", 3, 7, "wrong"}) == "a.toml:3:7: wrong");
}
