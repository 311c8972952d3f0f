#include "server/precompress_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "config/loader.h"
#include "server/catalogue/folder_catalogue.h"
#include "server/options.h"
#include "server/precompress_command_files.h"
#include "server/progress.h"
#include "server/representations/best_coding.h"
#include "server/representations/codings.h"

namespace selvage::server {

namespace {

using How = representations::Codings::Improved::How;
using transforms::Coding;

constexpr std::size_t kRows = transforms::kCodings.size();

int refuse(int status, const std::string& why) {
    fmt::print(stderr, "selvage: {}\n", why);
    return status;
}

// What became of one coding of one file.
struct Outcome {
    How how = How::Failed;
    std::uint64_t size = 0;  // of Made and There
    std::string reason;      // of Failed
};
using Outcomes = std::array<Outcome, kRows>;

// Where codings go.
class Target {
public:
    virtual ~Target() = default;
    virtual Outcomes make(catalogue::Catalogue& catalogue, const std::string& root, const catalogue::Source& source) = 0;
    virtual void finish() {}
};

// ---- the cache

// What nobody has asked for comes to a disk that was full before only when it is put again: admission.h.
constexpr int kTriesToStore = 3;

class IntoCache final : public Target {
public:
    explicit IntoCache(std::unique_ptr<cache_store::Store> store) : store_(std::move(store)) {
        work();  // what is there already
    }

    Outcomes make(catalogue::Catalogue& catalogue, const std::string&, const catalogue::Source& source) override {
        auto all = codings_.improve_now(catalogue, source, [] { return true; });
        Outcomes outcomes;
        for (std::size_t row = 0; row < kRows; ++row) {
            auto& improved = all[row];
            outcomes[row] = {.how = improved.how, .reason = std::move(improved.reason)};
            if (improved.object) outcomes[row].size = improved.object->body->size();
            if (improved.how == How::Made && !keep(source, row, improved)) {
                outcomes[row] = {.how = How::Failed, .reason = "the cache has no room for it"};
            }
        }
        work();
        return outcomes;
    }

    void finish() override {
        work();
        store_->close();
    }

private:
    bool keep(const catalogue::Source& source, std::size_t row, const representations::Codings::Improved& improved) {
        auto not_stored = improved.not_stored;
        const Key128 key = representations::Codings::key(source, transforms::kCodings[row].coding, transforms::Effort::Best);
        for (int tries = 0; not_stored != cache_store::NotStored::None && tries < kTriesToStore; ++tries) {
            work();
            not_stored = store_->put(key, improved.object, cache_store::Keep::Anywhere);
        }
        return not_stored == cache_store::NotStored::None;
    }

    void work() {
        const std::lock_guard lock(mutex_);  // one call at a time
        while (store_->work_waits()) store_->work();
    }

    std::unique_ptr<cache_store::Store> store_;
    Log log_{2, LogLevel::Warn};
    http::Counters counters_;
    // Nothing of it: what is to be made is made at once.
    struct Nowhere final : representations::BackgroundQueue {
        bool add(const Key128&, std::uint64_t, Work) override { return false; }
        void raise(const Key128&, std::uint64_t) override {}
        std::size_t size() const override { return 0; }
    } nowhere_;
    representations::Codings codings_{*store_, nowhere_, counters_, log_};
    std::mutex mutex_;
};

// ---- beside the files

class BesideFiles final : public Target {
public:
    explicit BesideFiles(Others others) : others_(others) {}

    Outcomes make(catalogue::Catalogue& catalogue, const std::string& root, const catalogue::Source& source) override {
        Outcomes outcomes;
        const auto content = catalogue.read(source);
        std::uint64_t least = source.size;  // that a client gets instead: of the file and its gzip
        for (const Coding coding : {Coding::Gzip, Coding::Zstd, Coding::Brotli}) {
            Outcome& outcome = outcomes[representations::row_index(coding)];
            outcome = content ? make_one(root, source, *content, coding, least)
                              : Outcome{.how = How::Failed, .reason = content.error().detail};
            const bool others_compare = source.size >= http::kSmallestOnTheFly;  // as Codings does
            if (coding == Coding::Gzip && outcome.size != 0 && others_compare) least = std::min(least, outcome.size);
        }
        return outcomes;
    }

private:
    Outcome make_one(const std::string& root, const catalogue::Source& source, std::string_view content, Coding coding,
                     std::uint64_t least) const {
        for (const catalogue::Sidecar& sidecar : source.sidecars) {
            if (sidecar.coding == coding && sidecar.verified) return {.how = How::There, .size = sidecar.size};
        }
        const auto coded = representations::best_coding(content, coding, transforms::Effort::Best, [] { return true; });
        if (!coded) return {.how = How::Failed, .reason = coded.error().detail};
        const std::uint64_t size = (*coded)->size();
        if (!http::worth_keeping(size, least)) return {.how = How::NoGain};
        const auto written = write_sidecar(root, source, coding, (*coded)->view(), others_);
        if (!written) {
            return {.how = How::Failed,
                    .reason = fmt::format("{}: {}", transforms::row_of(coding).extension, written.error().detail)};
        }
        return {.how = How::Made, .size = size};
    }

    const Others others_;
};

// ---- all files

// What the files of a type have become.
struct Sum {
    std::uint64_t files = 0, before = 0;
    std::array<std::uint64_t, kRows> after{};  // with each coding; what it does not help counts as it is

    void add(const Sum& other) {
        files += other.files;
        before += other.before;
        for (std::size_t row = 0; row < kRows; ++row) after[row] += other.after[row];
    }
};

struct Root {
    std::string folder;
    std::shared_ptr<catalogue::FolderCatalogue> catalogue;
};

class Precompression {
public:
    Precompression(const PrecompressCommand& command, std::vector<Root> roots) : command_(command), roots_(std::move(roots)) {}

    Result<void> list() {
        for (const Root& root : roots_) {
            for (ServedFile& file : TRY(served_files(root.folder))) {
                bytes_ += file.size;
                files_.push_back({&root, std::move(file)});
            }
        }
        std::ranges::sort(files_, std::greater<>(), [](const File& file) { return file.served.size; });
        return {};
    }

    int run(Target* target) {
        Progress progress(files_.size());
        progress_ = &progress;
        target_ = target;
        const unsigned cores = std::max(std::thread::hardware_concurrency(), 1U);
        const auto jobs =
            std::min<std::size_t>(command_.jobs != 0 ? command_.jobs : cores, std::max<std::size_t>(files_.size(), 1));
        std::vector<std::jthread> threads;
        threads.reserve(jobs);
        for (std::size_t i = 0; i < jobs; ++i) threads.emplace_back([this] { work(); });
        threads.clear();  // joined
        if (target_) target_->finish();
        progress.clear();
        if (!command_.quiet && !command_.dry_run) summarise(progress.elapsed().count());
        return failed_ > 0 ? 1 : 0;
    }

private:
    struct File {
        const Root* root;
        ServedFile served;
    };

    void work() {
        for (std::size_t i = next_.fetch_add(1); i < files_.size(); i = next_.fetch_add(1)) treat(files_[i]);
    }

    void treat(const File& file) {
        auto entry = file.root->catalogue->resolve(file.served.path);
        const auto* source = entry ? std::get_if<catalogue::SourcePtr>(&*entry) : nullptr;
        if (!entry) {
            tell(file.root->folder + file.served.path, entry.error().detail);
        } else if (source && representations::Codings::improves(**source)) {
            if (target_) {
                count(file, **source, target_->make(*file.root->catalogue, file.root->folder, **source));
            } else {
                const std::lock_guard lock(mutex_);
                fmt::print("{}{}\t{}\n", file.root->folder, file.served.path, (*source)->size);
            }
        }
        const std::lock_guard lock(mutex_);
        seen_bytes_ += file.served.size;
        progress_->show(++seen_, fmt::format("{} of {}", bytes_text(seen_bytes_), bytes_text(bytes_)));
    }

    void tell(const std::string& path, const std::string& why) {
        const std::lock_guard lock(mutex_);
        ++failed_;
        progress_->clear();
        fmt::print(stderr, "selvage: {}: {}\n", path, why);
    }

    void count(const File& file, const catalogue::Source& source, const Outcomes& outcomes) {
        Sum sum{.files = 1, .before = source.size};
        std::set<std::string> reasons;
        for (std::size_t row = 0; row < kRows; ++row) {
            const Outcome& outcome = outcomes[row];
            sum.after[row] = outcome.size != 0 ? outcome.size : source.size;
            if (outcome.how == How::Failed) reasons.insert(outcome.reason);
            if (outcome.how == How::Sidecar) sum.after[row] = sidecar_size(source, transforms::kCodings[row].coding);
        }
        for (const std::string& reason : reasons) tell(file.root->folder + source.path, reason);
        const std::lock_guard lock(mutex_);
        by_type_[std::string(source.media_type.substr(0, source.media_type.find(';')))].add(sum);
        for (const Outcome& outcome : outcomes) ++how_[static_cast<std::size_t>(outcome.how)];
    }

    static std::uint64_t sidecar_size(const catalogue::Source& source, Coding coding) {
        const auto found = std::ranges::find(source.sidecars, coding, &catalogue::Sidecar::coding);
        return found != source.sidecars.end() ? found->size : source.size;
    }

    static void print_row(const std::string& name, const Sum& sum) {
        fmt::print("{:<28} {:>7} {:>10}", name, sum.files, bytes_text(sum.before));
        for (const Coding coding : {Coding::Gzip, Coding::Zstd, Coding::Brotli}) {
            const std::uint64_t after = sum.after[representations::row_index(coding)];
            fmt::print(" {:>10} {:>3.0f}%", bytes_text(after),
                       100.0 * static_cast<double>(after) / static_cast<double>(sum.before));
        }
        fmt::print("\n");
    }

    void summarise(double seconds) const {
        Sum total;
        for (const auto& [type, sum] : by_type_) total.add(sum);
        if (total.files > 0) {
            fmt::print("{:<28} {:>7} {:>10} {:>15} {:>15} {:>15}\n", "type", "files", "before", "gzip", "zstd", "br");
            for (const auto& [type, sum] : by_type_) print_row(type, sum);
            print_row("all", total);
        }
        const auto with = [this](How how) { return how_[static_cast<std::size_t>(how)]; };
        fmt::print("{} of {} files, {:.1f} s: {} codings made, {} were there, {} save too little to be kept, {} failed\n",
                   total.files, files_.size(), seconds, with(How::Made), with(How::There) + with(How::Sidecar), with(How::NoGain),
                   with(How::Failed));
    }

    const PrecompressCommand& command_;
    const std::vector<Root> roots_;
    std::vector<File> files_;
    std::uint64_t bytes_ = 0;
    Target* target_ = nullptr;  // null: only say what would be done
    std::atomic<std::size_t> next_{0};
    std::mutex mutex_;
    Progress* progress_ = nullptr;
    std::size_t seen_ = 0, failed_ = 0;
    std::uint64_t seen_bytes_ = 0;
    std::map<std::string, Sum> by_type_;
    std::array<std::size_t, 5> how_{};
};

// DIR, as the server of the configuration would serve it, else all its sites.
Result<std::vector<Root>> open_roots(const PrecompressCommand& command, const config::Config& config, Log& log) {
    std::vector<config::Site> sites = config.sites;
    if (!command.folder.empty()) {
        const auto served = std::ranges::find(sites, command.folder, &config::Site::root);
        config::Site site = served != sites.end() ? *served : config::Site{};
        site.root = command.folder;
        sites = {std::move(site)};
    }
    if (sites.empty()) return fail(ErrorKind::BadRequest, "name a folder, or a configuration with a [[site]]");
    std::vector<Root> roots;
    for (const config::Site& site : sites) {
        if (std::ranges::find(roots, site.root, &Root::folder) != roots.end()) continue;
        const catalogue::Options options{.memory_file = config.limits.memory_file, .follow_symlinks = site.follow_symlinks};
        roots.push_back({site.root, TRY(catalogue::open_catalogue(site.root, options, log, {.watch = false}))});
        while (roots.back().folder.size() > 1 && roots.back().folder.ends_with('/')) roots.back().folder.pop_back();
    }
    return roots;
}

Result<config::Config> configuration(const PrecompressCommand& command) {
    config::Config config;
    if (command.config_file) {
        auto loaded = config::load(*command.config_file);
        if (!loaded) return fail(ErrorKind::BadRequest, *command.config_file + " has mistakes; `selvage check` lists them");
        config = *std::move(loaded);
    }
    if (command.cache) config.cache.path = *command.cache;
    if (config.cache.path.empty()) config.cache.path = default_cache_folder();
    return config;
}

// Null: it cannot be used, and it was said why.
std::unique_ptr<Target> open_target(const PrecompressCommand& command, const config::Config& config, Log& log) {
    if (command.write_sidecars) return std::make_unique<BesideFiles>(command.force ? Others::Replace : Others::Keep);
    const cache_store::Limits limits{.memory_bytes = config.cache.memory, .disk_bytes = config.cache.disk, .disk_write_rate = 0};
    auto store = cache_store::open_store(config.cache.path, limits, log);
    if (store->stats().disk.online) return std::make_unique<IntoCache>(std::move(store));
    refuse(1, fmt::format("the cache in {} cannot be used. When a server runs with it: it makes the same codings by itself, as "
                          "files are asked for. Else stop it, name another folder with --cache, or have sidecars written, "
                          "which needs no cache: --write-sidecars",
                          config.cache.path));
    return nullptr;
}

}  // namespace

int run_precompress_command(const PrecompressCommand& command) {
    if (command.force && !command.write_sidecars) return refuse(2, "--force is about sidecars: --write-sidecars");
    Log log(2, LogLevel::Warn);
    const auto config = configuration(command);
    if (!config) return refuse(2, config.error().detail);
    auto roots = open_roots(command, *config, log);
    if (!roots) return refuse(roots.error().kind == ErrorKind::BadRequest ? 2 : 1, roots.error().detail);
    Precompression precompression(command, *std::move(roots));
    if (const auto listed = precompression.list(); !listed) return refuse(1, listed.error().detail);
    if (command.dry_run) return precompression.run(nullptr);
    const auto target = open_target(command, *config, log);
    return target ? precompression.run(target.get()) : 1;
}

}  // namespace selvage::server
