#include "server/representations/streamed_coding.h"

#include <algorithm>
#include <utility>

#include "server/http/content_coding.h"

namespace selvage::representations {

namespace {

constexpr std::size_t kStep = 128U << 10;  // of the file; how late it is noticed that nobody wants it: 5 ms
constexpr std::size_t kPiece = 64U << 10;  // what is sent by reference, server/net

}  // namespace

StreamedCoding::StreamedCoding(const catalogue::Source& source, transforms::Coding coding, Wanted wanted, Announce announce)
    : source_(source), coding_(coding), wanted_(std::move(wanted)), announce_(std::move(announce)) {}

StreamedCoding::~StreamedCoding() {
    if (growing_) growing_->fail();  // nothing happens to what is complete
}

Result<BlobPtr> StreamedCoding::run() {
    encoder_ = TRY(transforms::row_of(coding_).begin(source_.size, transforms::Effort::First, [this](std::string_view coded) {
        pending_ += coded;
        made_ += coded.size();
    }));
    while (taken_ < source_.size) {
        if (abandoned()) return fail(ErrorKind::Cancelled, "nobody waits for it any more");
        const std::string_view bytes = TRY(read(taken_));
        TRY(take(bytes));
    }
    // What is made of these bytes is kept under their hash, perhaps for months: it must be theirs. Nobody has its end before.
    if (hash_.finish() != source_.content) return fail(ErrorKind::NotFound, source_.path + ": has changed");
    TRY(encoder_->finish());
    hand_over(1);
    if (growing_) growing_->complete();
    return whole();
}

Result<std::string_view> StreamedCoding::read(std::uint64_t offset) {
    std::uint64_t most = kStep;
    if (!growing_ && judged_at_ > offset) most = std::min(most, judged_at_ - offset);
    const auto size = static_cast<std::size_t>(std::min(source_.size - offset, most));
    if (source_.bytes) return source_.bytes->view().substr(offset, size);
    step_.resize(kStep);
    const auto read = source_.file->read_blocking(offset, step_.data(), size);
    if (const auto* failure = std::get_if<http::OpenFile::Failure>(&read)) {
        const bool broken = *failure == http::OpenFile::Failure::Broken;
        return fail(broken ? ErrorKind::Internal : ErrorKind::NotFound,
                    source_.path + ": " + (broken ? "cannot be read" : "has changed"));
    }
    if (std::get<std::size_t>(read) != size) return fail(ErrorKind::NotFound, source_.path + ": has changed");
    return std::string_view(step_).substr(0, size);
}

Result<void> StreamedCoding::take(std::string_view bytes) {
    hash_.update(bytes);
    TRY(encoder_->add(bytes));
    taken_ += bytes.size();
    if (growing_) {
        hand_over(kPiece);
        return {};
    }
    return announce_if_it_saves();
}

// What begins badly may become better: it is asked again when it has doubled.
Result<void> StreamedCoding::announce_if_it_saves() {
    if (taken_ < judged_at_) return {};
    judged_at_ *= 2;
    TRY(encoder_->flush());
    if (!http::worth_keeping(made_, taken_)) return {};
    growing_ = std::make_shared<http::GrowingBody>();
    hand_over(1);
    announce_(growing_);
    return {};
}

void StreamedCoding::hand_over(std::size_t least) {
    if (pending_.size() < least) return;
    pieces_.push_back(make_blob(std::exchange(pending_, {})));
    if (growing_) growing_->append(pieces_.back());
}

bool StreamedCoding::abandoned() {
    if (taken_ > source_.size / 4 * 3 || wanted_()) return false;
    if (!growing_ || growing_->give_up_unless_wanted()) return true;
    return !wanted_();  // somebody has come meanwhile; or it is taking too long, whoever reads it
}

BlobPtr StreamedCoding::whole() const {
    if (pieces_.size() == 1) return pieces_.front();
    std::string all;
    all.reserve(made_);
    for (const BlobPtr& piece : pieces_) all += piece->view();
    return make_blob(std::move(all));
}

}  // namespace selvage::representations
