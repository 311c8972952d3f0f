#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/log.h"
#include "base/time.h"
#include "server/releases/ledger.h"

namespace selvage::catalogue {

// A page of the folder.
struct Page {
    std::string path;
    Sha256 content;
    std::uint64_t size = 0;  // bytes
};

// What the pages of a root have in common, made of a sample of them and kept among what was released (site.dictionary).
// One thread. static-delivery §5.
//
// Made anew at most once a day, unless there are twice as many pages, and only taken when it pays for who reads twenty pages,
// with what it costs to fetch, also for who has the one before. That one stays as long as any removed file.
class PagesDictionary {
public:
    explicit PagesDictionary(Log& log) : log_(log) {}

    using Read = std::function<std::optional<std::string>(const Page&)>;  // nothing: it has changed

    // The one to be had with these pages; nothing: they are too few, or have too little in common. Blocks: a new one takes a
    // second or two.
    std::optional<releases::Present> with(releases::Ledger& ledger, const std::vector<Page>& pages, const Read& read);

private:
    bool due(const releases::Ledger& ledger, const std::vector<Page>& pages, WallTime now);

    Log& log_;
    std::optional<WallTime> tried_;
    std::size_t tried_pages_ = 0;
    Sha256 tried_of_{};  // all of their contents
};

}  // namespace selvage::catalogue
