#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "server/http/http2/frames.h"
#include "server/http/session.h"

namespace selvage::http::h2 {

// Cuts what arrives into frames. Whole frames are lent from the input; only one that is split between two reads is copied, and an
// idle connection keeps nothing.
class FrameReader {
public:
    enum class Status : std::uint8_t { Ok, BadPreface, TooLarge };

    // Calls take(header, payload) for each complete frame until it returns false. `input` is used up.
    template <typename Take>
    Status read(std::string_view input, Take&& take) {
        if (preface_left_ > 0 && !match_preface(input)) return Status::BadPreface;
        while (!held_.empty()) {  // the frame that began in an earlier read
            if (!complete(input, held_.size() < kFrameHeader ? kFrameHeader : frame_size(held_))) return Status::Ok;
            if (read_frame_header(held_.data()).length > kLargestFrame) return Status::TooLarge;
            if (held_.size() < frame_size(held_)) continue;
            const std::string frame = std::exchange(held_, {});
            if (!take(read_frame_header(frame.data()), std::string_view(frame).substr(kFrameHeader))) return Status::Ok;
        }
        while (input.size() >= kFrameHeader) {
            const FrameHeader header = read_frame_header(input.data());
            if (header.length > kLargestFrame) return Status::TooLarge;  // RFC 9113 §4.2
            const std::size_t size = kFrameHeader + header.length;
            if (input.size() < size) break;
            const std::string_view payload = input.substr(kFrameHeader, header.length);
            input.remove_prefix(size);
            if (!take(header, payload)) return Status::Ok;
        }
        held_ = input;
        return Status::Ok;
    }

    bool amid_frame() const { return !held_.empty(); }

private:
    bool match_preface(std::string_view& input) {
        const std::size_t size = std::min<std::size_t>(preface_left_, input.size());
        if (!kHttp2Preface.substr(kHttp2Preface.size() - preface_left_).starts_with(input.substr(0, size))) return false;
        input.remove_prefix(size);
        preface_left_ = static_cast<std::uint8_t>(preface_left_ - size);
        return true;
    }

    static std::size_t frame_size(std::string_view begun) { return kFrameHeader + read_frame_header(begun.data()).length; }

    // Takes from the input until `size` bytes are held; false while there are fewer.
    bool complete(std::string_view& input, std::size_t size) {
        const std::size_t more = std::min(size - std::min(size, held_.size()), input.size());
        held_.append(input.substr(0, more));
        input.remove_prefix(more);
        return held_.size() >= size;
    }

    std::string held_;
    std::uint8_t preface_left_ = kHttp2Preface.size();
};

}  // namespace selvage::http::h2
