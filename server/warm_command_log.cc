#include "server/warm_command_log.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace selvage::server {

namespace {

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

bool was_answered(std::string_view status) { return status == "200" || status == "206" || status == "304"; }

std::optional<LoggedRequest> checked(LoggedRequest request) {
    if (!request.target.starts_with('/') || !is_printable(request.target) || !is_printable(request.host)) return std::nullopt;
    return request;
}

std::optional<LoggedRequest> from_json(std::string_view line) {
    const auto document = nlohmann::json::parse(line, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    const auto text = [&](const char* name) {
        const auto found = document.find(name);
        return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto status = document.find("status");
    if (text("method") != "GET" || status == document.end() || !status->is_number_integer()) return std::nullopt;
    if (!was_answered(status->dump())) return std::nullopt;
    return checked({.host = text("host"), .target = text("target")});
}

// … "GET /a.jpg HTTP/1.1" 200 …
std::optional<LoggedRequest> from_common(std::string_view line) {
    constexpr std::string_view kGet = "\"GET ";
    const auto begin = line.find(kGet);
    if (begin == std::string_view::npos) return std::nullopt;
    line.remove_prefix(begin + kGet.size());
    const auto blank = line.find(' '), quote = line.find("\" ");
    if (quote == std::string_view::npos) return std::nullopt;
    const auto target = line.substr(0, std::min(blank, quote));
    if (!was_answered(line.substr(quote + 2, 3))) return std::nullopt;
    return checked({.host = {}, .target = std::string(target)});
}

}  // namespace

std::optional<LoggedRequest> parse_log_line(std::string_view line) {
    return line.starts_with('{') ? from_json(line) : from_common(line);
}

}  // namespace selvage::server
