#include "server/options.h"

#include <cstdlib>
#include <filesystem>

#include "config/loader.h"

namespace selvage::server {

std::string default_cache_folder() {
    if (const char* base = std::getenv("XDG_CACHE_HOME"); base && *base == '/') return std::string(base) + "/selvage";
    if (const char* home = std::getenv("HOME"); home && *home == '/') return std::string(home) + "/.cache/selvage";
    return "/var/cache/selvage";
}

namespace {

std::expected<config::Config, std::vector<std::string>> from_file(const std::optional<std::string>& file) {
    if (!file) return config::Config{};
    auto loaded = config::load(*file);
    if (loaded) return *std::move(loaded);
    std::vector<std::string> mistakes;
    for (const config::Diagnostic& diagnostic : loaded.error()) mistakes.push_back(config::to_string(diagnostic));
    return std::unexpected(std::move(mistakes));
}

void add_defaults(config::Config& config) {
    if (config.server.listen.empty()) {
        config.server.listen = {{.scheme = config::Scheme::Https, .host = "127.0.0.1", .port = 8443},
                                {.scheme = config::Scheme::Http, .host = "127.0.0.1", .port = 8080}};
    }
    if (config.cache.path.empty()) config.cache.path = default_cache_folder();
}

}  // namespace

std::expected<config::Config, std::vector<std::string>> effective_configuration(const CommandLine& line) {
    auto config = from_file(line.config_file);
    if (!config) return config;
    if (!line.listen.empty()) config->server.listen = line.listen;
    if (line.admin) config->server.admin = *line.admin;
    if (line.workers) config->server.workers = *line.workers;
    if (line.log_level) config->server.log_level = *line.log_level;
    if (line.access_log) config->server.access_log = *line.access_log;
    if (line.cache) config->cache.path = *line.cache;
    if (line.directory) {
        if (!config->sites.empty())
            return std::unexpected(std::vector<std::string>{"give either a folder or [[site]] tables, not both"});
        std::error_code error;
        if (!std::filesystem::is_directory(*line.directory, error)) {
            return std::unexpected(std::vector<std::string>{"'" + *line.directory + "' is not a folder"});
        }
        config::Site site;
        site.root = *line.directory;
        config->sites.push_back(std::move(site));
    }
    if (config->sites.empty())
        return std::unexpected(std::vector<std::string>{"nothing to serve: name a folder, or a configuration with a [[site]]"});
    add_defaults(*config);
    return config;
}

}  // namespace selvage::server
