#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "server/catalogue/catalogue.h"
#include "server/http/growing_body.h"
#include "transforms/encodings/encodings.h"

namespace selvage::representations {

// The fast coding of a large file, made from its first byte to its last; what has been made is sent meanwhile. Blocks, on one
// thread.
//
// Nobody is told of it before it is seen to save bytes; then it is announced, and from then on whoever reads it gets all of it or
// is cut off. What comes out may still save too little in the end: that is for who has it made to judge.
class StreamedCoding {
public:
    // Smaller ones are made whole in less time than it takes to send them: 5 to 10 ms.
    static constexpr std::uint64_t kLeast = 256U << 10;

    using Announce = std::move_only_function<void(http::GrowingBodyPtr)>;
    using Wanted = std::function<bool()>;

    // `wanted`: does anybody want it? Asked all the time, until most of it is done.
    StreamedCoding(const catalogue::Source& source, transforms::Coding coding, Wanted wanted, Announce announce);
    ~StreamedCoding();  // who reads an unfinished one is cut off
    StreamedCoding(const StreamedCoding&) = delete;
    StreamedCoding& operator=(const StreamedCoding&) = delete;

    // The whole. Errors: NotFound when the file is no longer this version, Internal, Cancelled when nobody wanted it any more.
    Result<BlobPtr> run();

private:
    Result<std::string_view> read(std::uint64_t offset);
    Result<void> take(std::string_view bytes);
    Result<void> announce_if_it_saves();
    void hand_over(std::size_t least);
    bool abandoned();
    BlobPtr whole() const;

    const catalogue::Source& source_;
    const transforms::Coding coding_;
    Wanted wanted_;
    Announce announce_;
    std::unique_ptr<transforms::Encoder> encoder_;
    Sha256Stream hash_;
    std::string step_;                  // of the file
    std::uint64_t taken_ = 0;           // of the file, bytes
    std::uint64_t made_ = 0;            // bytes
    std::uint64_t judged_at_ = kFirst;  // bytes of the file, at which it is looked at what they have become
    std::string pending_;               // made, not yet a piece
    std::vector<BlobPtr> pieces_;
    http::GrowingBodyPtr growing_;  // set: announced

    // A millisecond. What is flushed so early costs no bytes: 0.04 % of zstd-9, none of br-5, as against 128 KiB.
    static constexpr std::uint64_t kFirst = 32U << 10;
};

}  // namespace selvage::representations
