#include "server/catalogue/predecessors.h"

#include <utility>

#include "base/fields.h"

namespace selvage::catalogue {

PredecessorPtr Predecessors::succeed(const Source& source, SteadyTime now) {
    const std::uint64_t name = checksum64(source.path);
    const std::lock_guard lock(mutex_);
    const auto place = known_.find(name);
    if (place == known_.end()) {
        if (!source.image) return nullptr;
        if (known_.size() >= most_) known_.clear();
        known_.emplace(name, known_of(source, now));
        return nullptr;
    }
    Known& known = place->second;
    if (known.content == source.content) return known.before;
    const bool meant = known.image && now - known.since >= kBeingWritten;
    PredecessorPtr before = meant || !known.before ? retire(known, source.path, now) : known.before;
    known = known_of(source, now);
    known.before = before;
    return before;
}

Predecessors::Known Predecessors::known_of(const Source& source, SteadyTime now) {
    return {.content = source.content,
            .size = source.size,
            .modified = source.modified,
            .image = source.image,
            .since = now,
            .before = nullptr};
}

PredecessorPtr Predecessors::retire(const Known& known, const std::string& path, SteadyTime now) {
    if (!known.image) return nullptr;
    auto source = std::make_shared<Source>();
    source->path = path;
    source->serial = next_serial();
    source->content = known.content;
    source->etag = etag_text(known.content);
    source->size = known.size;
    source->modified = known.modified;
    source->last_modified = http_date(known.modified);
    source->media_type = transforms::row_of(known.image->format).media_type;
    source->image = known.image;
    return std::make_shared<const Predecessor>(Predecessor{.source = std::move(source), .replaced = now});
}

void Predecessors::forget(std::string_view path) {
    const std::lock_guard lock(mutex_);
    known_.erase(checksum64(path));
}

std::size_t Predecessors::size() const {
    const std::lock_guard lock(mutex_);
    return known_.size();
}

}  // namespace selvage::catalogue
