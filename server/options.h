#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace selvage::server {

// What the command line says; it wins over the configuration file.
struct CommandLine {
    std::optional<std::string> directory;
    std::optional<std::string> config_file;
    std::vector<config::Endpoint> listen;
    std::optional<config::Endpoint> admin;
    std::optional<std::string> cache;
    std::optional<unsigned> workers;
    std::optional<LogLevel> log_level;
    std::optional<std::string> access_log;
    std::vector<std::string> arguments;  // all of it as it was typed, for a successor
};

// The configuration that is in force for a command line: the file's (or the defaults), what the command line replaces, and what
// is left open filled in: the two default listeners, the user's cache directory. Errors: every mistake as a line of text,
// "file:line:column: …" for those of the file.
std::expected<config::Config, std::vector<std::string>> effective_configuration(const CommandLine& line);

// Where the cache is when nobody says: the user's cache directory.
std::string default_cache_folder();

}  // namespace selvage::server
