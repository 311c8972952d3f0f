#pragma once

#include <memory>
#include <string>

#include "server/catalogue/catalogue.h"
#include "server/exchange.h"
#include "server/explain_store.h"
#include "server/handlers/handler.h"
#include "server/hints/hints.h"
#include "server/representations/niced_queue.h"
#include "server/representations/transform_pool.h"

namespace selvage::server {

// A server without sockets, on one thread: the same site, catalogue, handlers and codings as `selvage serve` has, around a store
// that is only read. What it answers is what the server would, but for what only that one knows (its memory, its load).
class ExplainHouse {
public:
    ExplainHouse(const config::ConfigPtr& config, Log& log);
    ~ExplainHouse();
    ExplainHouse(const ExplainHouse&) = delete;
    ExplainHouse& operator=(const ExplainHouse&) = delete;

    // Before anything is asked. Errors: those of opening the sites' roots.
    Result<void> open();

    const SnapshotPtr& snapshot() const { return snapshot_; }
    ReadStore& store() { return store_; }
    handlers::Services& services() { return services_; }

    // Waits until a worker has said what its codecs are, which is part of the keys of images: some 50 ms. False: none came up.
    bool meet_worker();

    // The answer to a request; what has to be made for it is made. Blocks.
    http::Answer ask(const http::Request& request);

private:
    template <typename Done>
    bool turn_until(Done done);

    Log& log_;
    const config::ConfigPtr config_;
    ReadStore store_;
    SnapshotPtr snapshot_;
    loop::Loop loop_;  // control and worker at once
    http::Counters counters_;
    loop::WorkPool pool_{2};
    // Nothing is made that nobody asked for: the load is always too high.
    representations::NicedQueue background_;
    representations::Codings codings_;
    representations::Deltas deltas_;
    representations::TransformPool transforms_;
    representations::Fills fills_;
    representations::Images images_;
    hints::Hints hints_;
    handlers::Services services_;
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace selvage::server
