#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "cache_store/store.h"
#include "server/catalogue/catalogue.h"
#include "server/loop/timer.h"
#include "server/loop/work_pool.h"
#include "server/representations/fills.h"
#include "server/representations/mezzanine.h"
#include "server/representations/source_memory.h"
#include "server/representations/transform_cost.h"
#include "server/representations/transform_pool.h"
#include "server/representations/variant_budget.h"

namespace selvage::representations {

// What an image variant is made of.
struct ImageTask {
    Key128 key;
    std::shared_ptr<catalogue::Catalogue> catalogue;
    catalogue::SourcePtr source;
    transforms::Order order;
    TransformCost cost;
    bool keep = true;          // false: a rule's bypass; made, sent, forgotten
    bool remake = false;       // what is stored is stale or interim: it will not do
    bool mezzanine = false;    // is not sent: others are made of it (mezzanine.h)
    cache_store::Floor floor;  // of who asks: what is stored and was born before it will not do either
    std::uint64_t birth = 0;   // Store::sequence() when the request began, or what has made it stale
};

// What fills go by, and what they tell each other. On the control loop.
struct FillRules {
    config::Image limits;
    MezzanineTiming mezzanines;
    VariantBudget budget;
    SourceMemories sources;
};

// Makes a variant: disk → read the source, or its mezzanine → transform → the store. One method per step; lives on the control
// loop.
//
// Errors besides those of the parts: TimedOut "upstream_timeout" (image.source_timeout), "processing_timeout"
// (image.total_timeout, while a client waits).
class ImageFill final : public FillWork {
public:
    struct Surroundings {
        loop::Loop& control;
        loop::WorkPool& pool;
        cache_store::Store& store;
        TransformPool& transforms;
        Fills& fills;
        FillRules& rules;
    };

    ImageFill(Surroundings surroundings, ImageTask task, Wanted wanted, Settle settle);

    void start() override;

private:
    struct Prepared {
        std::optional<Filled> stored;  // found on disk, else:
        FileDescriptor memory;
        std::uint64_t size = 0;
        transforms::Original original{};
    };
    using MezzanineKey = std::optional<Key128>;
    void prepare_of(MezzanineKey mezzanine);
    static Result<Prepared> prepare(cache_store::Store& store, const ImageTask& task, MezzanineKey mezzanine,
                                    SourceMemory& source);
    static std::optional<Filled> look_up(cache_store::Store& store, const ImageTask& task);
    static std::optional<Prepared> read_mezzanine(cache_store::Store& store, const Key128& key, const ImageTask& task);
    void prepared(Result<Prepared> input);
    TransformJob job_of(Prepared input) const;
    void transformed(Result<TransformResult> result);
    bool makes_mezzanine_due();
    void note_mezzanine();
    void begin_mezzanine();
    bool may_be_kept();
    static Result<cache_store::ObjectPtr> adopt(cache_store::Store& store, const ImageTask& task, const TransformResult& result,
                                                bool keep);
    void late();
    void give_up(http::LimitHit limit, std::string_view code);
    void finish(Filled filled);

    Surroundings around_;
    std::shared_ptr<const ImageTask> task_;
    const std::shared_ptr<SourceMemory> source_;
    Wanted wanted_;
    Settle settle_;
    std::chrono::steady_clock::time_point started_;
    MezzanineKey mezzanine_;         // of a source that deserves one, for what may be made of it
    transforms::Original original_;  // stands_in(): what was read is the mezzanine
    bool mezzanine_due_ = false;
    bool reading_ = true;
    bool kept_;
    loop::Operation operation_;
    loop::Timer deadline_;  // of reading, then of all
};

}  // namespace selvage::representations
