#include "server/http/message.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace selvage::http {

namespace {

std::string_view known_coding(std::string_view name) {
    constexpr std::array<std::string_view, 5> kKnown = {"gzip", "br", "zstd", "dcz", "deflate"};
    const auto* const found = std::ranges::find(kKnown, name);
    return found != kKnown.end() ? *found : std::string_view();
}

}  // namespace

Head::Head(Fields fields)
    : fields_(std::move(fields)),
      http2_(fields_),
      urgency_(default_urgency(field("content-type"))),
      coding_(known_coding(field("content-encoding"))) {
    std::size_t size = 0;
    for (const auto& [name, value] : fields_) size += name.size() + value.size() + 4;
    http1_.reserve(size);
    for (const auto& [name, value] : fields_) http1_.append(name).append(": ").append(value).append("\r\n");
}

std::string_view Head::field(std::string_view lower_case_name) const {
    for (const auto& [name, value] : fields_) {
        if (name == lower_case_name) return value;
    }
    return {};
}

SmallFields& SmallFields::operator=(const SmallFields& other) {
    used_ = other.used_;
    count_ = other.count_;
    if (count_ == 0 || this == &other) return *this;
    std::memcpy(slots_.data(), other.slots_.data(), other.count_ * sizeof(Slot));
    std::memcpy(storage_.data(), other.storage_.data(), other.used_);
    return *this;
}

bool SmallFields::add(std::string_view name, std::string_view value) {
    if (count_ == slots_.size() || value.size() > storage_.size() - used_) return false;
    if (!value.empty()) std::memcpy(storage_.data() + used_, value.data(), value.size());
    const auto length = static_cast<std::uint16_t>(value.size());
    slots_[count_++] = Slot{.name = name, .offset = used_, .length = length};
    used_ = static_cast<std::uint16_t>(used_ + length);
    return true;
}

Body::Body(std::vector<Segment> segments) {
    // A writer takes segments one after another and may treat an empty one as the end: there are none.
    std::erase_if(segments, [](const Segment& segment) { return segment.length == 0; });
    if (segments.empty()) return;
    for (const Segment& segment : segments) length_ += segment.length;
    first_ = std::move(segments.front());
    segments.erase(segments.begin());
    if (!segments.empty()) rest_ = std::make_shared<const Rest>(Rest{.segments = std::move(segments), .growing = {}});
}

Body::Body(std::shared_ptr<GrowingBody> reader)
    : rest_(std::make_shared<const Rest>(Rest{.segments = {}, .growing = std::move(reader)})), length_(kUnknownLength) {}

void Body::show(BlobPtr piece) {
    const std::uint64_t length = piece->size();
    first_ = Segment{.bytes = std::move(piece), .file = {}, .offset = 0, .length = length};
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::None:
            return "none";
        case Verdict::Hit:
            return "hit";
        case Verdict::DiskHit:
            return "disk-hit";
        case Verdict::Miss:
            return "miss";
        case Verdict::Coalesced:
            return "coalesced";
        case Verdict::Bypass:
            return "bypass";
        case Verdict::Stale:
            return "stale";
        case Verdict::Interim:
            return "interim";
    }
    return "none";
}

std::string_view cache_status(Verdict verdict) {
    switch (verdict) {
        case Verdict::Hit:
            return "selvage; hit";
        case Verdict::DiskHit:
            return "selvage; hit; detail=disk";
        case Verdict::Miss:
            return "selvage; fwd=miss; stored";
        case Verdict::Coalesced:
            return "selvage; fwd=miss; collapsed";
        case Verdict::Bypass:
            return "selvage; fwd=bypass";
        case Verdict::Stale:
            return "selvage; hit; detail=stale";
        case Verdict::Interim:
            return "selvage; hit; detail=interim";
        case Verdict::None:  // nothing of our own making (errors, redirects) names a cache
            break;
    }
    return "selvage; detail=generated";
}

}  // namespace selvage::http
