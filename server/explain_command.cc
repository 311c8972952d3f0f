#include "server/explain_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "server/explain_chapters.h"
#include "server/explain_names.h"

namespace selvage::server {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMargin = 15;  // as wide as the longest title and two spaces

int refuse(const std::string& why) {
    fmt::print(stderr, "selvage: {}\n", why);
    return 2;
}

// A name may hold what moves a terminal's cursor.
std::string printable(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return text;
}

void print(const Subject& subject) {
    for (const Chapter& chapter : kChapters) {
        std::string_view title = chapter.title;
        for (const std::string& line : chapter.write(subject)) {
            fmt::print("{:<{}}{}\n", title, kMargin, printable(line));
            title = {};
        }
    }
}

ordered_json to_json(const Subject& subject) {
    ordered_json document = ordered_json::object();
    for (const Chapter& chapter : kChapters) {
        if (Lines lines = chapter.write(subject); !lines.empty()) document[std::string(chapter.title)] = std::move(lines);
    }
    document["status"] = subject.answer ? subject.answer->status : 0;
    return document;
}

// Does the URL lead to something?
bool succeeds(const Subject& subject) { return !subject.answer || subject.answer->status < 400; }

}  // namespace

int run_explain_command(const ExplainCommand& command, const CommandLine& line) {
    auto config = effective_configuration(line);
    if (!config) {
        for (const std::string& mistake : config.error()) fmt::print(stderr, "selvage: {}\n", mistake);
        return 2;
    }
    const auto shared = std::make_shared<const config::Config>(*std::move(config));
    Log log(2, LogLevel::Error);
    if (command.names) return explain_names(*shared, command.json);
    if (command.urls.empty()) return refuse("name a URL, or --names for all files");

    ExplainHouse house(shared, log);
    if (const auto opened = house.open(); !opened) return refuse(opened.error().detail);
    bool all_succeed = true;
    for (const std::string& url : command.urls) {
        const auto asked = asked_of(*shared, url, command.headers);
        if (!asked) return refuse(asked.error().detail);
        const auto subject = look_at(*shared, *asked, house);
        if (!subject) return refuse(url + ": " + subject.error().detail);
        if (command.json) {
            fmt::print("{}\n", to_json(*subject).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
        } else {
            if (&url != &command.urls.front()) fmt::print("\n");
            print(*subject);
        }
        all_succeed = all_succeed && succeeds(*subject);
    }
    return all_succeed ? 0 : 1;
}

}  // namespace selvage::server
