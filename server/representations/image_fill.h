#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "cache_store/store.h"
#include "server/catalogue/catalogue.h"
#include "server/loop/work_pool.h"
#include "server/representations/fills.h"
#include "server/representations/transform_pool.h"

namespace selvage::representations {

// What an image variant is made of.
struct ImageTask {
    Key128 key;
    std::shared_ptr<catalogue::Catalogue> catalogue;
    catalogue::SourcePtr source;
    transforms::Order order;
    std::chrono::microseconds cost{0};  // transform_cost()
    bool keep = true;                   // false: a rule's bypass; made, sent, forgotten
    bool remake = false;                // what is stored is stale: it will not do
    cache_store::Floor floor;           // of who asks: what is stored and was born before it will not do either
    std::uint64_t birth = 0;            // Store::sequence() when the request began, or what has made it stale
};

// Makes a variant: disk → read the source → transform → the store. One method per step; lives on the control loop.
class ImageFill final : public FillWork {
public:
    struct Surroundings {
        loop::Loop& control;
        loop::WorkPool& pool;
        cache_store::Store& store;
        TransformPool& transforms;
    };

    ImageFill(Surroundings surroundings, ImageTask task, Wanted wanted, Settle settle);

    void start() override;

private:
    struct Prepared {
        std::optional<Filled> stored;  // found on disk, else:
        FileDescriptor memory;
        std::uint64_t size = 0;
    };
    static Result<Prepared> prepare(cache_store::Store& store, const ImageTask& task);
    static std::optional<Filled> look_up(cache_store::Store& store, const ImageTask& task);
    void prepared(Result<Prepared> input);
    void transformed(Result<TransformResult> result);
    static Result<cache_store::ObjectPtr> adopt(cache_store::Store& store, const ImageTask& task, const TransformResult& result);
    void finish(Filled filled);

    Surroundings around_;
    std::shared_ptr<const ImageTask> task_;
    Wanted wanted_;
    Settle settle_;
    std::chrono::steady_clock::time_point started_;
    loop::Operation operation_;
};

}  // namespace selvage::representations
