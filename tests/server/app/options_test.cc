#include "server/options.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <optional>
#include <string>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::server;
using selvage::testing::TemporaryFolder;

namespace {

// An environment variable for the time of a test.
class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) old_ = old;
        value ? ::setenv(name, value, 1) : ::unsetenv(name);
    }
    ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
    std::optional<std::string> old_;
};

}  // namespace

SCENARIO("a folder is enough") {
    const TemporaryFolder folder;
    const Variable cache("XDG_CACHE_HOME", "/somewhere/cache"), home("HOME", "/home/somebody");
    CommandLine line;
    line.directory = folder.path().string();
    const auto config = effective_configuration(line);
    REQUIRE(config);

    THEN("it is served to every host, with HTTPS and HTTP on the loopback address") {
        REQUIRE(config->sites.size() == 1);
        CHECK(config->sites[0].root == folder.path().string());
        CHECK(config->sites[0].hosts == std::vector<std::string>{"*"});
        CHECK(config->server.listen ==
              std::vector<config::Endpoint>{{.scheme = config::Scheme::Https, .host = "127.0.0.1", .port = 8443},
                                            {.scheme = config::Scheme::Http, .host = "127.0.0.1", .port = 8080}});
        CHECK(!config->server.admin);
    }
    THEN("the cache is the user's") { CHECK(config->cache.path == "/somewhere/cache/selvage"); }
    THEN("without XDG_CACHE_HOME it is below the home; a relative value counts as absent") {  // XDG base directory specification
        const Variable relative("XDG_CACHE_HOME", "cache");
        CHECK(effective_configuration(line)->cache.path == "/home/somebody/.cache/selvage");
        const Variable nowhere("HOME", nullptr);
        CHECK(effective_configuration(line)->cache.path == "/var/cache/selvage");
    }
}

SCENARIO("the command line wins over the file") {
    const TemporaryFolder folder;
    folder.write("c.toml",
                 "[server]\nlisten = [\"http://127.0.0.1:1\"]\nadmin = \"127.0.0.1:2\"\nworkers = 3\n[cache]\npath = \"" +
                     folder.at("file-cache") + "\"\n[[site]]\nroot = \"" + folder.path().string() + "\"\n");
    CommandLine line;
    line.config_file = folder.at("c.toml");

    THEN("the file's values hold where the command line is silent") {
        const auto config = effective_configuration(line);
        REQUIRE(config);
        CHECK(config->server.listen.at(0).port == 1);
        CHECK(config->server.admin->port == 2);
        CHECK(config->server.workers == 3);
        CHECK(config->cache.path == folder.at("file-cache"));
    }
    THEN("and are replaced where it speaks") {
        line.listen = {{.scheme = config::Scheme::Http, .host = "127.0.0.1", .port = 0}};
        line.admin = config::Endpoint{.scheme = config::Scheme::Http, .host = "127.0.0.1", .port = 4};
        line.workers = 0;
        line.cache = "/other";
        line.log_level = LogLevel::Debug;
        line.access_log = "stderr";
        const auto config = effective_configuration(line);
        REQUIRE(config);
        CHECK(config->server.listen.size() == 1);
        CHECK(config->server.listen.at(0).port == 0);
        CHECK(config->server.admin->port == 4);
        CHECK(config->server.workers == 0);
        CHECK(config->cache.path == "/other");
        CHECK(config->server.log_level == LogLevel::Debug);
        CHECK(config->server.access_log == "stderr");
    }
    THEN("a folder beside the file's sites is a contradiction") {
        line.directory = folder.path().string();
        const auto config = effective_configuration(line);
        REQUIRE(!config);
        CHECK(config.error().size() == 1);
    }
}

TEST_CASE("what cannot be served is said") {
    const TemporaryFolder folder;
    folder.write("file", "x");
    folder.write("bad.toml", "[server]\nworkers = \"many\"\nlog_levl = \"info\"\n");
    folder.write("empty.toml", "");
    const auto mistakes = [](const CommandLine& line) {
        const auto config = effective_configuration(line);
        return config ? std::vector<std::string>{} : config.error();
    };
    CommandLine missing, file, nothing, bad, empty;
    missing.directory = folder.at("missing");
    CHECK(mistakes(missing).at(0).find(folder.at("missing")) != std::string::npos);
    file.directory = folder.at("file");
    CHECK(mistakes(file).size() == 1);
    CHECK(mistakes(nothing).size() == 1);
    empty.config_file = folder.at("empty.toml");
    CHECK(mistakes(empty).size() == 1);
    bad.config_file = folder.at("bad.toml");
    REQUIRE(mistakes(bad).size() >= 2);  // all of them, with their places
    CHECK(mistakes(bad)[0].find("bad.toml:2:") != std::string::npos);
    CHECK(mistakes(bad)[1].find("bad.toml:3:") != std::string::npos);
}
