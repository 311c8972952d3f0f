// Claims about the option table as a whole.
#include "config/options.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <sstream>

#include "config/loader.h"

using namespace selvage::config;

namespace {

std::vector<std::string> mistakes_in(const std::string& text) {
    std::vector<std::string> messages;
    const auto config = parse(text, "default.toml");
    if (config) return messages;
    for (const Diagnostic& diagnostic : config.error()) messages.push_back(to_string(diagnostic));
    return messages;
}

}  // namespace

TEST_CASE("the default of every option, written into a file, is accepted and changes nothing") {
    std::string text;
    for (const auto& option : program_options()) {
        const std::string value = option.write(Config{});
        if (!value.empty()) text += std::string(option.path) + " = " + value + "\n";
    }
    CHECK(mistakes_in(text).empty());
    const auto config = parse(text, "default.toml");
    REQUIRE(config);
    for (const auto& option : program_options()) {
        INFO(option.path);
        CHECK(option.write(*config) == option.write(Config{}));
    }
}

TEST_CASE("an option has one row, and its row says what it is") {
    std::set<std::string_view> paths;
    const auto check = [&](const auto& options) {
        for (const auto& option : options) {
            INFO(option.path);
            CHECK(paths.insert(option.path).second);
            CHECK_FALSE(option.type.empty());
            CHECK(option.help.ends_with('.'));
        }
    };
    check(program_options());
    check(site_options());
    check(rule_options());
}

TEST_CASE("docs/options.md is the manual that the table makes") {
    const std::string file = SELVAGE_TEST_DATA "/../../docs/options.md";
    std::ifstream stream(file);
    std::ostringstream page;
    page << stream.rdbuf();
    INFO("docs/options.md is out of date; write it anew with: selvage options > docs/options.md");
    CHECK(page.str() == options_manual());
}
