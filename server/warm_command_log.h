#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace selvage::server {

struct LoggedRequest {
    std::string host;  // as in the log; empty where it does not say
    std::string target;
};

// A line of an access log that is a GET answered by 200, 206 or 304: Selvage's own JSON, or the common or combined log format of
// Apache and nginx. Nothing for any other line. The target begins with '/' and has neither blanks nor control bytes.
std::optional<LoggedRequest> parse_log_line(std::string_view line);

}  // namespace selvage::server
