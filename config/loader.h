#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace selvage::config {

// One mistake in a configuration text.
struct Diagnostic {
    std::string file;
    std::uint32_t line = 0;    // from 1
    std::uint32_t column = 0;  // from 1
    std::string message;       // what is wrong, what was expected, and "did you mean 'workers'?" where a known key is near
    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// "file:line:column: message"
std::string to_string(const Diagnostic& diagnostic);

// The whole text as a Config, or every mistake in it in order of position.
// Relative paths in the text (roots, certificate, key, cache.path, access_log) are resolved against the folder of `file`.
// `file` is only used for names in diagnostics and for that; nothing is opened. A TOML syntax error is one diagnostic.
std::expected<Config, std::vector<Diagnostic>> parse(std::string_view text, const std::string& file);

// parse() of the file's text; an unreadable file is one diagnostic at 0:0. Also checked here: roots exist and are folders,
// certificate and key are readable.
std::expected<Config, std::vector<Diagnostic>> load(const std::string& file);

// "https://127.0.0.1:8443", "http://[::]:8080", "127.0.0.1:9090" (http). For configuration and command line alike.
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

// The option table as a Markdown manual page (docs/options.md): path, type, default, unit, bounds, help, when a change takes
// effect.
std::string options_manual();

// Names of options whose change takes effect only after a restart, and that differ between the two.
std::vector<std::string> needs_restart(const Config& before, const Config& after);

}  // namespace selvage::config
