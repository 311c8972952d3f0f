#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "server/representations/codings.h"

namespace selvage::representations {

// What is made of which file, since when and as of when. For codings*.cc alone.
struct Codings::Making {
    catalogue::Catalogue& catalogue;
    const catalogue::Source& source;
    std::size_t row;
    AsOf as_of;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

    transforms::Coding coding() const { return transforms::kCodings[row].coding; }
    std::string made_for() const { return fmt::format("{} in {}", source.path, transforms::kCodings[row].token); }
    Key128 key(transforms::Effort effort) const { return Codings::key(source, coding(), effort); }
    std::chrono::microseconds elapsed() const {
        return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    }

    // `body` null: it is still being made.
    cache_store::ObjectPtr object(transforms::Effort effort, BlobPtr body) const {
        return std::make_shared<const cache_store::Object>(cache_store::Object{
            .meta = to_meta(Facts{.interim = effort != transforms::Effort::Best, .made_for = made_for()}),
            .body = std::move(body),
            .cost_ms = static_cast<std::uint32_t>(elapsed().count() / 1'000),
            .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
            .birth = as_of.birth,
            .tags = {cache_store::source_tag(source.content)},
        });
    }
    Result<BlobPtr> encode_at_once() const {
        const std::string content = TRY(catalogue.read(source));
        return make_blob(TRY(transforms::kCodings[row].encode(content, transforms::Effort::First)));
    }
};

}  // namespace selvage::representations
