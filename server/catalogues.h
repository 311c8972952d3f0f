#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "server/catalogue/folder_catalogue.h"
#include "server/catalogue/ingest.h"
#include "server/loop/poll.h"
#include "server/releases/ledger.h"
#include "server/releases/totals.h"
#include "server/site.h"

namespace selvage::server {

// The catalogues of all roots, so that a reload finds again what the configuration before had opened.
class Catalogues {
public:
    Catalogues(loop::Loop& control, Log& log) : control_(control), log_(log) {}

    // Any thread. One catalogue per root and options.
    Result<std::shared_ptr<catalogue::Catalogue>> open(const config::Site& site, const config::Config& config);

    // On the control loop, when a snapshot comes into force: watches its catalogues, reads their releases, lets go of all others.
    void adopt(const Snapshot& snapshot);

    // Is told of each release of each root, on the thread that reads them (releases::History::OnRelease). Before the first
    // open().
    using OnRelease = std::function<void(const std::shared_ptr<releases::History>&, const std::vector<releases::Seen>& fresh)>;
    void on_release(OnRelease tell) { on_release_ = std::move(tell); }

    releases::Totals totals() const;  // of all roots

    // No more releases are read, and nobody is told of any. Waits for what is being read. Control loop.
    void stop();

private:
    struct Opened {
        std::string key;
        std::shared_ptr<catalogue::FolderCatalogue> catalogue;
        std::shared_ptr<releases::Ledger> ledger;
        std::unique_ptr<loop::Poll> watch;  // control loop only
    };

    std::shared_ptr<releases::Ledger> ledger_of(const std::string& root, const config::Config& config);  // mutex_ held
    std::vector<catalogue::WalkedRoot> walked_roots(const Snapshot& snapshot) const;                     // mutex_ held

    loop::Loop& control_;
    Log& log_;
    mutable std::mutex mutex_;
    std::shared_ptr<releases::Contents> contents_;  // made with the first root
    std::vector<Opened> opened_;
    OnRelease on_release_;
    std::unique_ptr<catalogue::Ingest> ingest_;  // control loop only; null until a snapshot is in force
    bool stopped_ = false;                       // control loop only
};

}  // namespace selvage::server
