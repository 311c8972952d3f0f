// Golden pairs: tests/data/config/NAME.toml has exactly the mistakes that NAME.expected lists; without one it loads.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/loader.h"

using namespace selvage::config;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

// One line per mistake.
std::string mistakes_in(const fs::path& file) {
    const auto config = parse(contents(file), file.filename().string());
    std::string lines;
    if (config) return lines;
    for (const Diagnostic& diagnostic : config.error()) lines += to_string(diagnostic) + "\n";
    return lines;
}

}  // namespace

TEST_CASE("each configuration has the mistakes that are listed beside it, and no others") {
    int pairs = 0;
    for (const auto& entry : fs::directory_iterator(SELVAGE_TEST_DATA "/config")) {
        if (entry.path().extension() != ".toml") continue;
        INFO(entry.path().filename().string());
        fs::path expected = entry.path();
        expected.replace_extension(".expected");
        CHECK(mistakes_in(entry.path()) == (fs::exists(expected) ? contents(expected) : ""));
        ++pairs;
    }
    CHECK(pairs >= 10);
}
