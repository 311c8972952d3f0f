#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/digest.h"
#include "base/log.h"
#include "server/catalogue/catalogue.h"
#include "server/hints/hints.h"
#include "server/http/content_coding.h"
#include "server/http/counters.h"
#include "server/http/message.h"
#include "server/http/remembered_field.h"
#include "server/loop/loop.h"
#include "server/loop/work_pool.h"
#include "server/representations/codings.h"
#include "server/representations/deltas.h"
#include "server/representations/fills.h"
#include "server/representations/images.h"
#include "server/site.h"
#include "transforms/negotiation.h"

namespace selvage::handlers {

// Response heads that were built before, of one loop: what is constant for a representation under a rule.
class HeadCache {
public:
    struct Heads {
        http::HeadPtr full;
        http::HeadPtr not_modified;
    };
    template <typename Build>
    const Heads& find_or_build(const Key128& key, Build build) {
        const auto place = heads_.find(key);
        if (place != heads_.end()) return place->second;
        if (heads_.size() >= kMost) heads_.clear();  // rare, and rebuilt in a microsecond each
        return heads_.emplace(key, build()).first->second;
    }
    std::size_t size() const { return heads_.size(); }
    void clear() { heads_.clear(); }  // another configuration is in force: nobody asks for these any more

private:
    static constexpr std::size_t kMost = 10'000;  // up to 3 KiB each
    std::unordered_map<Key128, Heads> heads_;
};

// What the handlers of one loop work with; all of it outlives them.
struct Services {
    loop::Loop& loop;
    loop::Loop& control;
    loop::WorkPool& pool;
    cache_store::Store& store;
    representations::Codings& codings;
    representations::Deltas& deltas;
    representations::Images& images;
    representations::Fills& fills;
    hints::Hints& hints;
    http::Counters& counters;
    Log& log;
    HeadCache heads;
    WallTime now{};  // refreshed each second by the exchange
    http::RememberedField<http::AcceptedCodings> accepted_codings;
    http::RememberedField<transforms::AcceptedFormats> accepted_formats;
};

// Something that exists, and what the configuration says about it.
struct Located {
    server::SnapshotPtr snapshot;  // keeps `site` and `rule`
    const server::Site* site = nullptr;
    const config::Rule* rule = nullptr;
    catalogue::SourcePtr source;

    bool bypass() const { return rule && rule->bypass; }

    // Tells rules apart within a snapshot, for keys: one source may be asked for under several paths and sites.
    std::uint64_t rule_number() const { return reinterpret_cast<std::uintptr_t>(rule); }
};

// What a URL names: answers the requests for it, and keeps what it has worked out for the next one. Of one loop.
//
// All that can change without the catalogue or the configuration telling (what is stored, how far a coding is, the time) it asks
// for anew with each request.
class Resource : public std::enable_shared_from_this<Resource> {
public:
    virtual ~Resource() = default;

    // `request` is valid until the stream ends. A Pending keeps the resource.
    virtual http::Reply respond(const http::Request& request) = 0;

    // The file behind it; null: there is none.
    virtual const catalogue::Source* source() const { return nullptr; }
};
using ResourcePtr = std::shared_ptr<Resource>;

// Opens resources of one kind.
class Handler {
public:
    virtual ~Handler() = default;
    // `query` is raw and belongs to the request. Null: not mine, ask the next.
    virtual ResourcePtr open(const Located& located, std::string_view query) = 0;
};

// One line per handler, in the order in which they are asked.
using MakeHandler = std::unique_ptr<Handler> (*)(Services&);
std::unique_ptr<Handler> make_image_handler(Services& services);
std::unique_ptr<Handler> make_static_handler(Services& services);
inline constexpr MakeHandler kHandlers[] = {make_image_handler, make_static_handler};

// A reply that one operation makes: `begin` starts it and is given what to call with the answer.
class Later final : public http::PendingReply {
public:
    using Done = std::move_only_function<void(http::Answer)>;
    using Begin = std::move_only_function<loop::Operation(Done)>;
    explicit Later(Begin begin) : begin_(std::move(begin)) {}

    void start(Done done) override {
        done_ = std::move(done);
        operation_ = begin_([this](http::Answer answer) { finish(std::move(answer)); });
    }

    void withdraw() override {
        operation_.withdraw([this] { finish({}); });
    }

private:
    void finish(http::Answer answer) {
        auto finished = std::move(done_);
        finished(std::move(answer));  // drops us
    }

    Begin begin_;
    Done done_;
    loop::Operation operation_;
};

}  // namespace selvage::handlers
