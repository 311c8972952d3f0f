#pragma once

#include "base/result.h"
#include "cache_store/purge/purge.h"
#include "server/admin/purge_request.h"
#include "server/site.h"

namespace selvage::server {

// What an operator wants purged, as the store's tags: of URLs, prefixes, rules, and of the contents that files have. The
// catalogues look at those files again.
//
// A URL without a query is its path with all queries, and all that was made of the file behind it, whatever URL asked for it. A
// URL with a query is that URL alone. What begins with '/' is meant on every site. Blocks: files are looked at. Errors:
// Unprocessable, for the client: the word that is wrong, and why; Internal for a failing disk.
Result<cache_store::Purge> purge_of(const admin::PurgeRequest& request, const Snapshot& snapshot);

}  // namespace selvage::server
