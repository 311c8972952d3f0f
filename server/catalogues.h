#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "server/catalogue/folder_catalogue.h"
#include "server/loop/poll.h"
#include "server/site.h"

namespace selvage::server {

// The catalogues of all roots, so that a reload finds again what the configuration before had opened.
class Catalogues {
public:
    Catalogues(loop::Loop& control, Log& log) : control_(control), log_(log) {}

    // Any thread. One catalogue per root and options.
    Result<std::shared_ptr<catalogue::Catalogue>> open(const config::Site& site, const config::Config& config);

    // On the control loop, when a snapshot comes into force: watches its catalogues, lets go of all others.
    void adopt(const Snapshot& snapshot);

private:
    struct Opened {
        std::string key;
        std::shared_ptr<catalogue::FolderCatalogue> catalogue;
        std::unique_ptr<loop::Poll> watch;  // control loop only
    };

    loop::Loop& control_;
    Log& log_;
    std::mutex mutex_;
    std::vector<Opened> opened_;
};

}  // namespace selvage::server
