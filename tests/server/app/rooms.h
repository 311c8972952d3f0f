#pragma once

#include <chrono>
#include <memory>

#include "base/log.h"
#include "cache_store/store.h"
#include "server/handlers/handler.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/work_pool.h"
#include "server/representations/codings.h"
#include "server/representations/deltas.h"
#include "server/representations/fills.h"
#include "server/representations/images.h"
#include "server/representations/niced_queue.h"
#include "server/representations/transform_pool.h"
#include "tests/server/catalogue/temporary_folder.h"

namespace selvage::testing {

// What handlers work with, as it is shipped, with an empty cache and without transform workers. One loop is control and worker at
// once, and belongs to the test's thread.
struct Rooms {
    TemporaryFolder cache;
    Log log{2, LogLevel::Off};
    std::unique_ptr<cache_store::Store> store = cache_store::open_store(cache.at("store"), {}, log);
    http::Counters counters;
    loop::Loop loop;
    loop::WorkPool pool{1};
    representations::NicedQueue background{{}, [] { return 0.0; }, counters, std::chrono::milliseconds(0)};
    representations::Codings codings{*store, background, counters, log};
    representations::Deltas deltas{*store, background, counters, log, 1};
    representations::TransformPool transforms{
        loop, {.program = "/bin/false", .workers = 0, .queue = 1, .limits = {}}, counters, log};
    representations::Fills fills{loop, counters};
    hints::Hints hints{pool, counters};
    representations::Images images{loop, pool, *store, transforms, fills};
    handlers::Services services{.loop = loop,
                                .control = loop,
                                .pool = pool,
                                .store = *store,
                                .codings = codings,
                                .deltas = deltas,
                                .images = images,
                                .fills = fills,
                                .hints = hints,
                                .counters = counters,
                                .log = log,
                                .heads = {},
                                .now = {}};
};

}  // namespace selvage::testing
