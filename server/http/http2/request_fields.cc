#include "server/http/http2/request_fields.h"

#include <algorithm>
#include <charconv>

namespace selvage::http::h2 {

namespace {

constexpr std::uint8_t bit(FieldKind pseudo) { return static_cast<std::uint8_t>(1U << (pseudo - kMethod)); }

// Also what repeats a field that must be single with another value: RFC 9110 §8.6.
bool take_content_length(std::string_view value, RequestFields& fields) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (value.empty() || error != std::errc() || end != value.data() + value.size()) return false;
    if (fields.content_length && *fields.content_length != length) return false;
    fields.content_length = length;
    return true;
}

constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 §6.5.2

// What one field may be after those before it. RFC 9113 §8.3.
bool is_in_place(const DecodedField& field, RequestFields& fields) {
    constexpr std::size_t kContentLength = known_place("content-length");
    const std::uint16_t kind = field.facts.kind;
    if (kind < kMethod) {
        fields.regular = true;
        return kind != kContentLength || take_content_length(field.value, fields);
    }
    const std::uint8_t mark = bit(kind);
    if (fields.regular || (fields.pseudo & mark) != 0) return false;
    fields.pseudo = static_cast<std::uint8_t>(fields.pseudo | mark);
    return true;
}

void take(const DecodedField& field, const config::Http2& limits, RequestFields& fields) {
    fields.decoded_bytes += field.name.size() + field.value.size() + kFieldOverhead;
    if (fields.malformed || fields.over != LimitHit::kCount) return;
    if (fields.builder.fields() >= limits.fields) {
        fields.over = LimitHit::HeaderFields;
    } else if (fields.decoded_bytes > limits.header_bytes) {
        fields.over = LimitHit::HeaderBytes;
    } else if (!field.facts.well_formed || !is_in_place(field, fields)) {
        fields.malformed = true;
    } else {
        fields.builder.add(field.name, field.value, field.facts.kind);
    }
}

}  // namespace

void RequestFields::clear() {
    builder.clear();
    content_length.reset();
    malformed = regular = false;
    over = LimitHit::kCount;
    pseudo = 0;
    decoded_bytes = 0;
}

// RFC 9113 §8.3.1. CONNECT has neither scheme nor path (§8.5); no resource here is reached by it, the dispatcher says so.
void RequestFields::finish() {
    if (malformed || over != LimitHit::kCount) return;
    constexpr unsigned kRequired = bit(kMethod) | bit(kScheme) | bit(kPath);
    const bool plain = (pseudo & kRequired) == kRequired;
    const bool connect = pseudo == (bit(kMethod) | bit(kAuthority));
    malformed = !plain && !connect;
}

BlockStatus decode_block(HpackDecoder& decoder, HpackScratch& scratch, std::string_view block, const config::Http2& limits,
                         RequestFields* fields) {
    // A small table entry, named again and again, grows into megabytes: nobody reads that in good faith (protocol-and-limits §2:
    // 128 KiB, or 64 more than were sent).
    const std::uint64_t most = std::min<std::uint64_t>(std::max<std::uint64_t>(4 * limits.header_bytes, 128 << 10),
                                                       block.size() + std::max<std::uint64_t>(2 * limits.header_bytes, 64 << 10));
    std::uint64_t decoded = 0;
    DecodedField field;
    decoder.begin();
    for (;;) {
        switch (decoder.next(block, scratch, field)) {
            case HpackDecoder::Step::Broken:
                return BlockStatus::Broken;
            case HpackDecoder::Step::End:
                return BlockStatus::Ok;
            case HpackDecoder::Step::Field:
                break;
        }
        decoded += field.name.size() + field.value.size() + kFieldOverhead;  // many small ones cost as one large
        if (decoded > most) return BlockStatus::TooLarge;
        if (fields) take(field, limits, *fields);
    }
}

}  // namespace selvage::http::h2
