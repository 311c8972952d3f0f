#include <catch2/catch.hpp>

#include <random>

#include "base/url.h"

using namespace selvage;

namespace {

// The definition, word for word and without care for time.
bool defined_match(std::string_view glob, std::string_view path, bool behind_slash = false) {
    if (glob.empty()) return path.empty();
    if (glob.starts_with("**")) {
        const std::size_t end = std::min(glob.find_first_not_of('*'), glob.size());
        const std::string_view rest = glob.substr(end);
        if (behind_slash && rest.starts_with('/')) {  // whole segments, also none
            if (defined_match(rest.substr(1), path, true)) return true;
            for (std::size_t i = 0; i < path.size(); ++i) {
                if (path[i] == '/' && defined_match(rest.substr(1), path.substr(i + 1), true)) return true;
            }
            return false;
        }
        for (std::size_t i = 0; i <= path.size(); ++i) {
            if (defined_match(rest, path.substr(i))) return true;
        }
        return false;
    }
    if (glob.front() == '*') {
        if (defined_match(glob.substr(1), path)) return true;
        return !path.empty() && path.front() != '/' && defined_match(glob, path.substr(1));
    }
    if (path.empty() || (glob.front() == '?' ? path.front() == '/' : glob.front() != path.front())) return false;
    return defined_match(glob.substr(1), path.substr(1), glob.front() == '/');
}

}  // namespace

SCENARIO("a glob selects paths") {
    THEN("without wildcards it is the path") {
        CHECK(glob_match("/a/b.css", "/a/b.css"));
        CHECK_FALSE(glob_match("/a/b.css", "/a/b.cs"));
        CHECK_FALSE(glob_match("/a", "/a/"));
        CHECK(glob_match("", ""));
        CHECK_FALSE(glob_match("", "/"));
    }
    THEN("a star stays within its segment") {
        CHECK(glob_match("/a/*.css", "/a/b.css"));
        CHECK(glob_match("/a/*", "/a/"));
        CHECK(glob_match("/*/c", "/b/c"));
        CHECK_FALSE(glob_match("/a/*.css", "/a/b/c.css"));
        CHECK_FALSE(glob_match("/*", "/a/b"));
        CHECK(glob_match("/*-*.js", "/app-1-2.js"));
    }
    THEN("two stars cross segments") {
        CHECK(glob_match("/video/**", "/video/"));
        CHECK(glob_match("/video/**", "/video/a/b.mp4"));
        CHECK_FALSE(glob_match("/video/**", "/video"));
        CHECK_FALSE(glob_match("/video/**", "/videos/a"));
        CHECK(glob_match("**.jpg", "/a/b/c.jpg"));
        CHECK(glob_match("/**/c.jpg", "/a/b/c.jpg"));
        CHECK(glob_match("**", "/anything/at/all"));
    }
    THEN("two stars between slashes stand for any number of segments, also none") {
        CHECK(glob_match("/**/c.jpg", "/c.jpg"));
        CHECK(glob_match("/a/**/c", "/a/c"));
        CHECK(glob_match("/a/**/c", "/a/b/b/c"));
        CHECK_FALSE(glob_match("/a/**/c", "/a/bc"));
    }
    THEN("a question mark is one byte of a segment") {
        CHECK(glob_match("/?.css", "/a.css"));
        CHECK_FALSE(glob_match("/a?b", "/a/b"));
        CHECK_FALSE(glob_match("/?", "/"));
    }
    THEN("nothing else is special") {
        CHECK(glob_match("/[a]{b}.c", "/[a]{b}.c"));
        CHECK_FALSE(glob_match("/[a]", "/a"));
    }
}

TEST_CASE("the matcher agrees with the definition on every small glob and path") {
    std::mt19937 random(7);
    constexpr std::string_view glob_pieces[] = {"a", "b", "/", "*", "**", "?", "/**/", "ab"};
    constexpr std::string_view path_pieces[] = {"a", "b", "/", "ab", "ba", "/a"};
    for (int i = 0; i < 200'000; ++i) {
        std::string glob;
        std::string path;
        for (auto n = random() % 7; n > 0; --n) glob += glob_pieces[random() % std::size(glob_pieces)];
        for (auto n = random() % 9; n > 0; --n) path += path_pieces[random() % std::size(path_pieces)];
        if (glob_match(glob, path) == defined_match(glob, path)) continue;
        FAIL("glob " << glob << " path " << path << " expected " << defined_match(glob, path));
    }
}

TEST_CASE("no glob makes a long path expensive") {  // ends within the test's time or not at all
    const std::string path = "/" + std::string(50'000, 'a');
    CHECK_FALSE(glob_match("/**a*a*a*a*a*a*a*a*b", path));
    CHECK_FALSE(glob_match("/**a**a**a**a**a**a**b", path));
    CHECK_FALSE(glob_match("/*a*a*a*a*a*a*a*a*b", path));
    std::string deep;
    while (deep.size() < 50'000) deep += "/a";
    CHECK_FALSE(glob_match("/**/a/**/a/**/a/**/a/**/b", deep));
    CHECK_FALSE(glob_match("/**/*a/*a/**/*b", deep));
}
