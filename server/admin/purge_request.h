#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvage::admin {

// What POST /purge asks for, in the operator's words.
struct PurgeRequest {
    std::vector<std::string> urls;      // "https://host/path?query", or "/path" for every site
    std::vector<std::string> prefixes;  // the same, ending in '/', without a query
    std::vector<std::string> tags;
    std::vector<std::string> globs;  // the same, over paths
    bool all = false;
    bool soft = false;
    friend bool operator==(const PurgeRequest&, const PurgeRequest&) = default;
};

// What POST /purge reports.
struct PurgeOutcome {
    std::uint64_t sequence = 0;  // its number
    std::uint64_t tags = 0;      // what it names: tags and globs; 0 for everything
};

inline constexpr std::uint64_t kLargestPurgeBody = 64U << 10;

// From the JSON body {"urls":[],"prefixes":[],"tags":[],"globs":[],"all":true,"soft":true}, each key optional, or from a query
// "url=/a&url=/b&prefix=…&tag=…&glob=…&all=1&soft=1", or both. Something must be named.
// Errors: BadRequest; its detail is for the client and names the word that is wrong.
Result<PurgeRequest> parse_purge_request(std::string_view query, std::string_view body);

// The body that says the same; for the command.
std::string to_json(const PurgeRequest& request);

// One line for the audit log, however much is purged: at most some hundred bytes.
std::string describe(const PurgeRequest& request);

}  // namespace selvage::admin
