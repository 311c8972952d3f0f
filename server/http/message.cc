#include "server/http/message.h"

#include <cstring>
#include <utility>

namespace selvage::http {

Head::Head(Fields fields) : fields_(std::move(fields)) {
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
    more_.assign(std::make_move_iterator(segments.begin() + 1), std::make_move_iterator(segments.end()));
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
    }
    return "none";
}

}  // namespace selvage::http
