#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "config/loader.h"
#include "server/app.h"
#include "server/explain_command.h"
#include "server/options.h"
#include "server/precompress_command.h"
#include "server/purge_command.h"
#include "server/store_command.h"
#include "server/transform_command.h"
#include "server/upgrade/command.h"
#include "server/upgrade/inheritance.h"
#include "server/warm_command.h"

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

constexpr const char* kTransformText =
    R"(selvage transform IN… OUT QUERY: the image engine on files

  selvage transform cat.jpg cat.avif w=640
  selvage transform 'photos/*.jpg' small/ 'w=640&fm=webp&q=auto'
  selvage transform -r photos '{dir}/{name}-640.{ext}' 'w=640&fm=avif'
  selvage transform - - w=640 < cat.jpg > small.jpg

IN     files, folders (the images in them), globs, or - for standard input
OUT    a file; a folder, for OUT/{dir}/{name}.{ext}; a path with {dir} (the source's folder below the one named), {name} and
       {ext} in it; or - for standard output. What exists is kept without --force.
QUERY  what would stand behind the ? of an image's URL: docs/images.md. Without fm, or with fm=auto, the format is the one that
       OUT's extension names, else that of the source where it can be written.

The images are made as the server makes those that nobody waits for: AVIF at libaom's speed 6, progressive JPEG.
Exit status: 1 when an image was not made (a line on stderr says why), 2 when the command makes no sense.)";

void add_transform(CLI::App& program, selvage::server::TransformCommand& command, std::vector<std::string>& words) {
    CLI::App* const transforming = program.add_subcommand("transform", "Make images of files, as the server would");
    transforming->footer(kTransformText);
    transforming->add_option("WORDS", words, "See below")->required()->expected(3, 1'000'000)->type_name("IN... OUT QUERY");
    transforming->add_option("--jobs", command.jobs, "Processes; 0: one per core")->check(CLI::Range(0, 1024));
    transforming->add_flag("-r,--recursive", command.recursive, "Folders with what is below them");
    transforming->add_flag("--force", command.force, "Replace what exists");
    transforming->add_flag("--fast", command.fast, "As for a client that waits: AVIF at speed 9, JPEG in one scan");
    transforming->add_flag("--quiet", command.quiet, "No summary");
}

int transform(std::vector<std::string> words, selvage::server::TransformCommand& command) {
    command.query = std::move(words.back());
    words.pop_back();
    command.output = std::move(words.back());
    words.pop_back();
    command.inputs = std::move(words);
    return selvage::server::run_transform_command(command);
}

constexpr const char* kPrecompressText =
    R"(selvage precompress DIR: br-11, zstd-19 and gzip-9 of every file, now

  selvage precompress dist/ --config selvage.toml      into the cache of the server that this configuration is of
  selvage precompress --config selvage.toml            all its sites
  selvage precompress dist/ --write-sidecars           .br, .zst and .gz beside the files, for whoever ships them elsewhere

The server makes the same by itself, as files are asked for: this is for a release that is to be complete before it is served.
The cache knows contents, not names: DIR may be another copy of what is served, or be moved afterwards. It cannot be used while
a server has it open. A coding is kept when it saves at least 64 bytes and 5 % of what would be sent instead.
Sidecars have their file's time. One that is there and decodes to its file stays; any other that this command did not make, too,
without --force.
Exit status: 1 when something was not made (a line on stderr says why), 2 when the command makes no sense.)";

void add_precompress(CLI::App& program, Words& words, selvage::server::PrecompressCommand& command) {
    CLI::App* const precompressing = program.add_subcommand("precompress", "Make the best content codings of all files now");
    precompressing->footer(kPrecompressText);
    precompressing->add_option("DIR", command.folder, "The folder; without: those of the configuration's sites");
    precompressing->add_option("--config", words.config_file, "The server's configuration file: its cache and sites");
    precompressing->add_option("--cache", words.cache, "Folder of the cache");
    precompressing->add_option("--jobs", command.jobs, "Files at a time; 0: one per core")->check(CLI::Range(0, 1024));
    precompressing->add_flag("--write-sidecars", command.write_sidecars, "Beside the files instead of into the cache");
    precompressing->add_flag("--force", command.force, "Replace sidecars that others made");
    precompressing->add_flag("--dry-run", command.dry_run, "Print the files that would be coded, and their sizes");
    precompressing->add_flag("--quiet", command.quiet, "No summary");
}

int precompress(const Words& words, selvage::server::PrecompressCommand& command) {
    if (!words.config_file.empty()) command.config_file = words.config_file;
    if (!words.cache.empty()) command.cache = words.cache;
    return selvage::server::run_precompress_command(command);
}

constexpr const char* kWarmText = R"(selvage warm: fills the cache of a running server by asking it for images

  selvage warm --ladder --config selvage.toml          every image of its sites, at every width of the ladder
  selvage warm --ladder=320,640,1280 site/             of a folder, at these widths; never above the image's own
  selvage warm --from-html site/ --formats avif,webp   what the pages show: img, srcset, picture, preload, url() in styles
  selvage warm --from-access-log access.log --top 500  what was asked for, the most frequent first

The server is the one of --url, else the first listener of --config (plain HTTP before HTTPS), else http://127.0.0.1:8080.
What is negotiated is asked for as each kind of browser would: with AVIF, with WebP only, with neither. The server is left alone
for as long as it says when it is busy. Access logs: Selvage's own JSON, or the common and combined formats; - is standard input.
Exit status: 1 when a request failed (a line on stderr says which), 2 when the command makes no sense.)";

void add_warm(CLI::App& program, Words& words, selvage::server::WarmCommand& command) {
    CLI::App* const warming = program.add_subcommand("warm", "Fill the cache of a running server with images");
    warming->footer(kWarmText);
    auto* const folder = warming->add_option("DIR", words.directory, "The folder that the server serves, for --ladder");
    warming->add_option("--config", words.config_file, "The server's configuration file")->excludes(folder);
    warming->add_option("--url", command.server, "The server: http://ADDR:PORT");
    warming->add_option("--host", command.host, "The host to ask it as");
    warming->add_flag("--ladder", command.ladder, "Every image; --ladder=W,W,… names the widths");
    warming->add_option("--from-html", command.from_html, "A page, a folder of pages, or the URL of one");
    warming->add_option("--from-access-log", command.from_access_log, "A file, or -");
    warming->add_option("--top", command.top, "Of the log: so many URLs; 0: all");
    warming->add_option("--formats", command.formats, "Of avif, webp, fallback")->delimiter(',')->allow_extra_args(false);
    warming->add_option("--jobs", command.jobs, "Requests at a time")->check(CLI::Range(1, 256));
    warming->add_option("--rate", command.rate, "Requests per second; 0: any")->check(CLI::NonNegativeNumber);
    warming->add_flag("--better", command.better, "Ask twice for what was made fast: it is made better then");
    warming->add_flag("--dry-run", command.dry_run, "Print the URLs and how they would be asked for");
}

constexpr const char* kExplainText = R"(selvage explain: what would be answered, and why

  selvage explain dist/ /assets/index-DbK3f_qR.js
  selvage explain --config selvage.toml https://example.org/cat.jpg?w=640 -H 'Accept: image/webp' -H 'Accept-Encoding: br'
  selvage explain dist/ --names                        which files have a fingerprinted name, and by which rule

No server is needed; one that runs on the cache is not disturbed. Without -H the request is a browser's.
Exit status: 1 when a URL leads to an error, 2 when the command makes no sense.)";

void add_explain(CLI::App& program, Words& words, selvage::server::ExplainCommand& command) {
    CLI::App* const explaining = program.add_subcommand("explain", "Say what would be answered to a request, and why");
    explaining->footer(kExplainText);
    explaining->add_option("URL", command.urls,
                           "[DIR] URL...: the folder unless --config names sites; https://host/path or /path");
    explaining->add_option("-H,--header", command.headers, "'Name: value' of the request; repeatable")->allow_extra_args(false);
    explaining->add_option("--config", words.config_file, "The server's configuration file");
    explaining->add_option("--cache", words.cache, "Folder of the cache");
    explaining->add_flag("--names", command.names, "The fingerprinted names of all files instead");
    explaining->add_flag("--json", command.json, "For programs");
}

int explain(Words& words, selvage::server::ExplainCommand& command) {
    if (words.config_file.empty()) {  // then the folder comes first, as for serve
        if (command.urls.empty()) return refuse("name a folder, or a configuration");
        words.directory = command.urls.front();
        command.urls.erase(command.urls.begin());
    }
    CommandLine line;
    if (const std::string wrong = translate(words, line); !wrong.empty()) return refuse(wrong);
    return selvage::server::run_explain_command(command, line);
}

// Where its clients on this machine find it.
std::string address_of(const selvage::config::Config& config) {
    using selvage::config::Scheme;
    for (const Scheme scheme : {Scheme::Http, Scheme::Https}) {
        for (selvage::config::Endpoint endpoint : config.server.listen) {
            if (endpoint.scheme != scheme || endpoint.port == 0) continue;
            if (endpoint.host == "0.0.0.0") endpoint.host = "127.0.0.1";
            if (endpoint.host == "::") endpoint.host = "::1";
            return selvage::config::to_string(endpoint);
        }
    }
    return {};
}

int warm(const Words& words, selvage::server::WarmCommand& command) {
    if (!words.directory.empty()) command.sites.push_back({.root = words.directory, .host = {}});
    if (!words.config_file.empty()) {
        const auto config = selvage::config::load(words.config_file);
        if (!config) return refuse(words.config_file + " has mistakes; `selvage check` lists them");
        if (command.server.empty()) command.server = address_of(*config);
        for (const auto& site : config->sites) {
            std::string first;
            for (const std::string& host : site.hosts) {
                if (host.find('*') != std::string::npos) continue;
                if (first.empty()) first = host;
                command.hosts.push_back(host);
            }
            command.sites.push_back({.root = site.root, .host = first});
        }
    }
    return selvage::server::run_warm_command(command);
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

    selvage::server::TransformCommand transformation;
    std::vector<std::string> transform_words;
    add_transform(program, transformation, transform_words);

    selvage::server::PrecompressCommand precompression;
    add_precompress(program, words, precompression);

    selvage::server::WarmCommand warming;
    add_warm(program, words, warming);

    selvage::server::ExplainCommand explaining;
    add_explain(program, words, explaining);

    CLI::App* version = program.add_subcommand("version", "Print the version");
    CLI::App* manual = program.add_subcommand("options", "Print the manual page of all options (Markdown)");

    CLI11_PARSE(program, argc, argv);
    if (serving->parsed()) return serve(words, std::vector<std::string>(argv + 1, argv + argc));
    if (upgrading->parsed()) return upgrade(words, process);
    if (purging->parsed()) return purge(words, unwanted);
    if (checking->parsed()) return check(file);
    if (caching->parsed()) return look_at_cache(words, store);
    if (program.got_subcommand("transform")) return transform(std::move(transform_words), transformation);
    if (program.got_subcommand("precompress")) return precompress(words, precompression);
    if (program.got_subcommand("warm")) return warm(words, warming);
    if (program.got_subcommand("explain")) return explain(words, explaining);
    if (version->parsed()) std::printf("%s\n", kVersion);
    if (manual->parsed()) std::fputs(selvage::config::options_manual().c_str(), stdout);
    return 0;
}
