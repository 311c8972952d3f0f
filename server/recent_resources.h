#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "server/catalogue/catalogue.h"
#include "server/handlers/handler.h"

namespace selvage::server {

// The resources that one loop was asked for of late, by authority and target: a request for one of them needs no routing, no look
// into the catalogue, no lock and no allocation. Bounded. Belongs to one configuration: clear() it when another comes into force.
//
// It is never staler than the catalogue: what it remembers holds until the catalogue has learned of a change, or wants to be
// asked again.
class RecentResources {
public:
    // Why a resource is believed to be what the URL names.
    struct Evidence {
        const catalogue::Catalogue* catalogue;  // outlives the entry
        std::uint64_t changes;                  // of the catalogue, read before it was asked
        SteadyTime until;
    };

    RecentResources();

    // Null: not remembered, or no longer believed.
    handlers::Resource* find(std::string_view authority, std::string_view target, SteadyTime now);

    // The resource that stood for this URL when it was asked for last, if its file was this one: it needs no opening again.
    handlers::ResourcePtr of_same_source(std::string_view authority, std::string_view target, const catalogue::Source& source);

    void remember(std::string_view authority, std::string_view target, handlers::ResourcePtr resource, const Evidence& evidence);

    // Lets go of what the catalogue has revoked, or nobody has asked for in a minute: it keeps files open and their bytes in
    // memory. Once per second.
    void forget_stale(SteadyTime now);

    void clear() { entries_ = std::vector<Place>(entries_.size()); }

private:
    static constexpr std::size_t kLongest = 512;  // bytes of authority and target: longer ones are found anew each time
    // Two places per set: what is asked for again moves to the first, what is new comes to the second, so that a scan does not
    // drive out what is in use.
    static constexpr std::size_t kSets = 2048;

    struct Entry {
        std::string text;  // authority and target
        std::size_t authority_length = 0;
        Evidence evidence{};
        handlers::ResourcePtr resource;

        bool is(std::string_view authority, std::string_view target) const;
        bool holds(SteadyTime now) const { return now < evidence.until && evidence.catalogue->changes() == evidence.changes; }
    };
    struct Place {
        std::uint64_t hash = 0;
        std::unique_ptr<Entry> entry;
    };

    Place* place_of(std::string_view authority, std::string_view target);

    std::vector<Place> entries_;
};

}  // namespace selvage::server
