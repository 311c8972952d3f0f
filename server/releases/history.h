#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"
#include "server/http/message.h"

namespace selvage::releases {

// A file that was seen in a release.
struct Seen {
    std::string path;  // normalised URL path
    Sha256 content;
    std::uint64_t size = 0;  // bytes
    WallTime modified;
    WallTime until{};  // of what removed() says: not served any more from then on
};

// How a content may serve as a dictionary for what comes after it (RFC 9842 §2.1), worked out when it was indexed.
struct Offer {
    std::string match;             // a URL pattern, its metacharacters escaped: "/assets/index-*.js"
    std::string_view destination;  // of the requests that it is for (Fetch): "script"; "": any
    std::string id;                // 16 hex digits of the content's SHA-256
    friend bool operator==(const Offer&, const Offer&) = default;
};

// What one root has had in its releases, over restarts: which content each long-lived path has and had, and the contents
// themselves, as long as they are kept. Thread-safe; unless it says that it blocks, memory only.
//
// Only files that are sent as fresh for a day or more are in it, those with fingerprinted names and what rules make long-lived;
// and pages, where they are to be dictionaries for other pages.
class History {
public:
    virtual ~History() = default;

    // Counts up whenever an answer below may have become another. Read with each request.
    virtual std::uint64_t changes() const = 0;

    // What was under this path when the folder still had it, and may be sent still: its content is kept, and it has been gone
    // for less than `releases.keep`. static-delivery §1, deploy race.
    virtual std::optional<Seen> removed(std::string_view path) const = 0;

    // What the answer with this content under this path offers. Nothing: it is not eligible, another of its lineage offers, or it
    // is not indexed yet. static-delivery §5.
    virtual std::optional<Offer> offer_of(std::string_view path, const Sha256& content) const = 0;

    // The dictionary that was made of this root's pages, to be told to who reads one. Nothing: there is none.
    virtual std::optional<Seen> pages_dictionary() const = 0;

    // Is this content kept, or in the folder, and was it public under this root? Then it may be a dictionary here, of so many
    // bytes.
    virtual std::optional<std::uint64_t> size_of(const Sha256& content) const = 0;
    bool has(const Sha256& content) const { return size_of(content).has_value(); }

    // The contents that came before this one in its lineage and are kept, newest first.
    virtual std::vector<Sha256> before(std::string_view path, const Sha256& content) const = 0;

    // A kept content's bytes. Blocks. What comes back has this hash. Errors: NotFound when it is not kept (any more).
    virtual Result<BlobPtr> read(const Sha256& content) const = 0;
    // The same, behind what the caller has already: with room that was kept it is twice as fast.
    virtual Result<void> append(const Sha256& content, std::string& room) const {
        room.append(TRY(read(content))->view());
        return {};
    }
    // The same as a file, for sending. Null: not kept.
    virtual http::OpenFilePtr open(const Sha256& content) const = 0;

    // Is told of files that were indexed with a content which their lineage did not have, once per release, on the thread that
    // indexes. Set before the catalogue is shared.
    using OnRelease = std::function<void(const std::vector<Seen>& fresh)>;
    virtual void on_release(OnRelease tell) = 0;
};

}  // namespace selvage::releases
