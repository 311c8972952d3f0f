#include "transforms/engine/decoders/jpeg_parts.h"

#include <algorithm>
#include <array>

namespace selvage::transforms {
namespace {

constexpr std::uint8_t kTem = 0x01, kStartOfImage = 0xD8, kEndOfImage = 0xD9, kStartOfScan = 0xDA, kQuantisation = 0xDB,
                       kApp1 = 0xE1, kApp2 = 0xE2;
constexpr std::size_t kLargestProfile = 1 << 20;  // protocol-and-limits §7
constexpr std::string_view kExif{"Exif\0\0", 6};
constexpr std::string_view kIcc{"ICC_PROFILE\0", 12};

unsigned byte_at(std::string_view bytes, std::size_t at) { return at < bytes.size() ? static_cast<std::uint8_t>(bytes[at]) : 0; }
unsigned word_at(std::string_view bytes, std::size_t at) { return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1); }

// SOF0…SOF15 but for DHT, JPG and DAC, which share their range.
bool is_frame(unsigned marker) { return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC; }
bool is_progressive(unsigned marker) { return marker == 0xC2 || marker == 0xC6 || marker == 0xCA || marker == 0xCE; }
bool stands_alone(unsigned marker) { return marker == kTem || (marker >= 0xD0 && marker <= kStartOfImage); }

// The place of the next marker's 0xFF at or after `at`, passing over stuffed zeros, fill bytes and restart markers, all of which
// belong to entropy-coded data; the end when there is none.
std::size_t next_marker(std::string_view bytes, std::size_t at) {
    while ((at = bytes.find('\xFF', at)) != std::string_view::npos && at + 1 < bytes.size()) {
        const unsigned code = byte_at(bytes, at + 1);
        if (code != 0 && code != 0xFF && (code < 0xD0 || code > 0xD7)) return at;
        at += code == 0xFF ? 1 : 2;
    }
    return bytes.size();
}

class Walk {
public:
    explicit Walk(std::string_view bytes) : bytes_(bytes) {}

    JpegParts head() {
        while (const unsigned marker = step()) {
            if (marker == kStartOfScan || marker == kEndOfImage) break;
        }
        return std::move(parts_);
    }

    JpegParts all() {
        while (const unsigned marker = step()) {
            if (marker == kStartOfScan) take_scan();
            if (marker == kEndOfImage) parts_.complete = true;
            if (marker == kEndOfImage || everything_in_one_scan()) break;
        }
        join_profile();
        return std::move(parts_);
    }

private:
    bool everything_in_one_scan() const {
        return !parts_.scans.empty() && !parts_.progressive && parts_.scans.front().components == (1U << parts_.components) - 1;
    }

    // The next marker, its segment in segment_; 0 at the end of the bytes.
    unsigned step() {
        at_ = next_marker(bytes_, at_);
        if (at_ >= bytes_.size()) return 0;
        const unsigned marker = byte_at(bytes_, at_ + 1);
        const std::size_t length = stands_alone(marker) || marker == kEndOfImage ? 0 : std::max(2U, word_at(bytes_, at_ + 2));
        start_ = at_;
        at_ = std::min(at_ + 2 + length, bytes_.size());
        segment_ = bytes_.substr(start_, at_ - start_);
        if (is_frame(marker)) take_frame(marker);
        if (marker == kQuantisation) take_tables();
        const std::string_view content = segment_.substr(std::min<std::size_t>(4, segment_.size()));
        if (marker == kApp1 && content.starts_with(kExif) && parts_.exif.empty()) parts_.exif = content.substr(kExif.size());
        if (marker == kApp2 && segment_.size() > 18 && segment_.substr(4).starts_with(kIcc)) take_profile();
        return marker;
    }

    void take_frame(unsigned marker) {
        parts_.size = {word_at(segment_, 7), word_at(segment_, 5)};
        parts_.components = static_cast<int>(std::min(byte_at(segment_, 9), 4U));
        parts_.progressive = is_progressive(marker);
        for (std::size_t index = 0; index < 4; ++index) {
            names_[index] = byte_at(segment_, 10 + index * 3);
            table_of_[index] = byte_at(segment_, 12 + index * 3) & 3;
        }
        parts_.halved_colour = parts_.components == 3 && byte_at(segment_, 11) > byte_at(segment_, 14);
        parts_.head = bytes_.substr(0, at_);
    }

    void take_tables() {
        for (std::size_t at = 4; at < segment_.size();) {
            const unsigned head = byte_at(segment_, at++);
            const std::size_t width = head >> 4 == 0 ? 1 : 2;
            for (std::uint16_t& step : tables_[head & 3]) {
                step = static_cast<std::uint16_t>(width == 1 ? byte_at(segment_, at) : word_at(segment_, at));
                at += width;
            }
        }
    }

    void take_scan() {
        if (parts_.scans.empty()) {
            for (std::size_t index = 0; index < 4; ++index) parts_.steps[index] = tables_[table_of_[index]];
        }
        JpegScan scan;
        const std::size_t tables_begin =
            parts_.scans.empty() ? parts_.head.size() : static_cast<std::size_t>(parts_.scans.back().data.end() - bytes_.begin());
        scan.tables = bytes_.substr(tables_begin, start_ - tables_begin);
        const std::size_t count = byte_at(segment_, 4);
        for (std::size_t index = 0; index < count; ++index) {
            const auto name = std::ranges::find(names_, byte_at(segment_, 5 + index * 2));
            if (name != names_.end()) scan.components |= 1U << (name - names_.begin());
        }
        const std::size_t band = 5 + count * 2;
        scan.first = static_cast<int>(byte_at(segment_, band));
        scan.last = static_cast<int>(std::min(byte_at(segment_, band + 1), 63U));
        scan.high = static_cast<int>(byte_at(segment_, band + 2) >> 4);
        scan.low = static_cast<int>(byte_at(segment_, band + 2) & 15);
        // What has everything in one scan is not read here: the decoder stops by itself.
        if (parts_.progressive || scan.components != (1U << parts_.components) - 1) at_ = next_marker(bytes_, at_);
        scan.data = bytes_.substr(start_, at_ - start_);
        parts_.scans.push_back(scan);
    }

    void take_profile() {
        const std::size_t number = byte_at(segment_, 16);
        if (number == 0) return;
        profile_.resize(std::max(profile_.size(), std::max<std::size_t>(number, byte_at(segment_, 17))));
        profile_[number - 1] = segment_.substr(18);
    }

    void join_profile() {
        std::size_t size = 0;
        for (const std::string_view part : profile_) size += part.empty() ? kLargestProfile + 1 : part.size();
        if (size > kLargestProfile) return;
        for (const std::string_view part : profile_) parts_.icc += part;
    }

    std::string_view bytes_;
    std::size_t at_ = 0, start_ = 0;
    std::string_view segment_;                      // with its marker
    std::array<unsigned, 4> names_{}, table_of_{};  // of the components
    std::array<std::array<std::uint16_t, 64>, 4> tables_{};
    std::vector<std::string_view> profile_;
    JpegParts parts_;
};

}  // namespace

JpegParts parts_of(std::string_view bytes) { return Walk(bytes).all(); }
JpegParts head_of(std::string_view bytes) { return Walk(bytes).head(); }

}  // namespace selvage::transforms
