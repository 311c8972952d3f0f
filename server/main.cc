#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "config/loader.h"
#include "server/app.h"
#include "server/options.h"
#include "server/purge_command.h"
#include "server/store_command.h"
#include "server/upgrade/command.h"
#include "server/upgrade/inheritance.h"

namespace {

using selvage::server::CommandLine;

constexpr const char* kVersion = "selvage 0.1.0";

struct Words {  // as typed; parsed after CLI11 has them
    std::string directory, config_file, admin, cache, log_level, access_log;
    std::vector<std::string> listen;
    int workers = -1;
};

int refuse(const std::string& message) {
    std::fprintf(stderr, "selvage: %s\n", message.c_str());
    return 2;
}

// Empty: done; else what is wrong.
std::string translate(const Words& words, CommandLine& line) {
    if (!words.directory.empty()) line.directory = words.directory;
    if (!words.config_file.empty()) line.config_file = words.config_file;
    if (!words.cache.empty()) line.cache = words.cache;
    if (!words.access_log.empty()) line.access_log = words.access_log;
    if (words.workers >= 0) line.workers = static_cast<unsigned>(words.workers);
    for (const std::string& text : words.listen) {
        auto endpoint = selvage::config::parse_endpoint(text);
        if (!endpoint) return "--listen " + text + ": " + endpoint.error().detail;
        line.listen.push_back(*std::move(endpoint));
    }
    if (!words.admin.empty()) {
        auto endpoint = selvage::config::parse_endpoint(words.admin);
        if (!endpoint) return "--admin " + words.admin + ": " + endpoint.error().detail;
        line.admin = *std::move(endpoint);
    }
    if (!words.log_level.empty()) {
        line.log_level = selvage::parse_log_level(words.log_level);
        if (!line.log_level) return "--log-level " + words.log_level + ": expected debug, info, warn, error or off";
    }
    return {};
}

int serve(const Words& words, std::vector<std::string> arguments) {
    auto inheritance = selvage::upgrade::Inheritance::take();
    if (!inheritance) return refuse(inheritance.error().detail);
    CommandLine line;
    line.arguments = std::move(arguments);
    if (const std::string wrong = translate(words, line); !wrong.empty()) {
        inheritance->tell_failed(wrong);
        return refuse(wrong);
    }
    auto config = selvage::server::effective_configuration(line);
    if (!config) {
        std::string all;
        for (const std::string& mistake : config.error()) {
            std::fprintf(stderr, "selvage: %s\n", mistake.c_str());
            all += mistake + "\n";
        }
        inheritance->tell_failed(all);
        return 1;
    }
    selvage::Log log(2, config->server.log_level);
    auto app = std::make_unique<selvage::server::App>(
        std::move(line), std::make_shared<const selvage::config::Config>(*std::move(config)), *std::move(inheritance), log);
    if (const auto started = app->start(); !started) {
        log.error("start", "{}", started.error().detail);
        app->tell_failed(started.error().detail);
        return 1;
    }
    app->run();
    // Encodings that nobody waits for cannot be interrupted and may take seconds: the process ends under them.
    if (!app->quiet()) std::_Exit(0);
    return 0;
}

int upgrade(const Words& words, int process) {
    CommandLine line;
    if (const std::string wrong = translate(words, line); !wrong.empty()) return refuse(wrong);
    selvage::upgrade::Addressee addressee{.process = {}, .admin = line.admin, .pid_file = {}};
    if (process > 0) addressee.process = process;
    if (line.config_file) {
        const auto config = selvage::config::load(*line.config_file);
        if (!config) return refuse(*line.config_file + " has mistakes; `selvage check` lists them");
        if (!addressee.admin) addressee.admin = config->server.admin;
        addressee.pid_file = config->server.pid_file;
    }
    return selvage::upgrade::run_command(addressee);
}

int purge(const Words& words, const selvage::admin::PurgeRequest& request) {
    CommandLine line;
    if (const std::string wrong = translate(words, line); !wrong.empty()) return refuse(wrong);
    if (!request.all && request.urls.empty() && request.prefixes.empty() && request.tags.empty() && request.globs.empty()) {
        return refuse("nothing to purge: name a URL, --prefix, --tag, --glob or --all");
    }
    if (line.config_file && !line.admin) {
        const auto config = selvage::config::load(*line.config_file);
        if (!config) return refuse(*line.config_file + " has mistakes; `selvage check` lists them");
        line.admin = config->server.admin;
    }
    return selvage::server::run_purge_command(line.admin, request);
}

int check(const std::string& file) {
    const auto loaded = selvage::config::load(file);
    if (loaded) {
        std::printf("%s: no mistakes\n", file.c_str());
        return 0;
    }
    for (const auto& diagnostic : loaded.error()) std::printf("%s\n", selvage::config::to_string(diagnostic).c_str());
    return 1;
}

// What `selvage cache` looks at: the folder that is named, or the one of a configuration, or the user's.
int look_at_cache(const Words& words, selvage::server::StoreCommand command) {
    command.folder = words.cache;
    if (command.folder.empty() && !words.config_file.empty()) {
        const auto config = selvage::config::load(words.config_file);
        if (!config) return refuse(words.config_file + " has mistakes; `selvage check` lists them");
        command.folder = config->cache.path;
    }
    if (command.folder.empty()) command.folder = selvage::server::default_cache_folder();
    return selvage::server::run_store_command(command);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App program{"Selvage: an edge server for static assets and media"};
    program.require_subcommand(1);

    Words words;
    CLI::App* serving = program.add_subcommand("serve", "Serve a folder, or what a configuration file says");
    serving->add_option("DIR", words.directory, "The folder to serve");
    serving->add_option("--config", words.config_file, "Configuration file (TOML)");
    serving
        ->add_option("--listen", words.listen, "https://ADDR:PORT or http://ADDR:PORT; repeatable; port 0 is chosen and printed")
        ->allow_extra_args(false);
    serving->add_option("--cache", words.cache, "Folder of the cache and of the development certificate");
    serving->add_option("--admin", words.admin, "ADDR:PORT of the admin listener");
    serving->add_option("--workers", words.workers, "Event loops; 0: one per core")->check(CLI::Range(0, 1024));
    serving->add_option("--log-level", words.log_level, "debug, info, warn, error or off");
    serving->add_option("--access-log", words.access_log, "stderr or a file: JSON lines, one per request");

    std::string file;
    CLI::App* checking = program.add_subcommand("check", "Print every mistake of a configuration file; exit 1 if there is one");
    checking->add_option("FILE", file, "Configuration file")->required();

    CLI::App* upgrading = program.add_subcommand("upgrade", "Replace a running server by the program that is installed now");
    int process = 0;
    upgrading->add_option("--config", words.config_file, "The server's configuration file: its server.admin or server.pid_file");
    upgrading->add_option("--admin", words.admin, "ADDR:PORT of its admin listener");
    upgrading->add_option("--pid", process, "Its process, by SIGUSR2: its log says what comes of it")->check(CLI::PositiveNumber);

    CLI::App* purging = program.add_subcommand("purge", "Take what a running server has stored out of use");
    selvage::admin::PurgeRequest unwanted;
    purging->add_option("URL", unwanted.urls,
                        "https://host/path, or /path on every site; without a query: all that was made of it");
    purging->add_option("--prefix", unwanted.prefixes, "Everything below a folder: https://host/folder/ or /folder/")
        ->allow_extra_args(false);
    purging->add_option("--tag", unwanted.tags, "Everything under rules with this tag")->allow_extra_args(false);
    purging->add_option("--glob", unwanted.globs, "Everything whose path matches: '/img/**' or 'https://host/*.png'")
        ->allow_extra_args(false);
    purging->add_flag("--all", unwanted.all, "Everything");
    purging->add_flag("--soft", unwanted.soft, "Still use it while it is made anew");
    purging->add_option("--config", words.config_file, "The server's configuration file: its server.admin");
    purging->add_option("--admin", words.admin, "ADDR:PORT of its admin listener");

    using StoreVerb = selvage::server::StoreCommand::Verb;
    selvage::server::StoreCommand store;
    CLI::App* caching = program.add_subcommand("cache", "Look at the cache on the disk, also of a stopped server");
    caching->require_subcommand(1);
    const auto add_store_verb = [&](const char* name, StoreVerb verb, const char* text) {
        CLI::App* const looking = caching->add_subcommand(name, text);
        looking->callback([&store, verb] { store.verb = verb; });
        auto* const folder = looking->add_option("--cache", words.cache, "Folder of the cache");
        looking->add_option("--config", words.config_file, "The configuration file that names it")->excludes(folder);
        looking->add_flag("--json", store.json, "For programs");
        return looking;
    };
    add_store_verb("ls", StoreVerb::List, "One line per object, the newest first")
        ->add_option("--limit", store.limit, "How many")
        ->check(CLI::PositiveNumber);
    add_store_verb("stat", StoreVerb::Stat, "Geometry, segments, objects, purges");
    add_store_verb("verify", StoreVerb::Verify, "Check every checksum; exit 1 when anything is wrong");

    CLI::App* version = program.add_subcommand("version", "Print the version");
    CLI::App* manual = program.add_subcommand("options", "Print the manual page of all options (Markdown)");

    CLI11_PARSE(program, argc, argv);
    if (serving->parsed()) return serve(words, std::vector<std::string>(argv + 1, argv + argc));
    if (upgrading->parsed()) return upgrade(words, process);
    if (purging->parsed()) return purge(words, unwanted);
    if (checking->parsed()) return check(file);
    if (caching->parsed()) return look_at_cache(words, store);
    if (version->parsed()) std::printf("%s\n", kVersion);
    if (manual->parsed()) std::fputs(selvage::config::options_manual().c_str(), stdout);
    return 0;
}
