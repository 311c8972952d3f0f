// HPACK: any blocks, one after another on one connection, are understood as nghttp2 understands them, or refused as it refuses
// them; and what is remembered of a field is what would be said of it anew.

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http2/hpack_decoder.h"

namespace {

using namespace selvage::http::h2;
using Fields = std::vector<std::pair<std::string, std::string>>;

void check(bool holds) {
    if (!holds) std::abort();
}

struct Free {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
};

bool by_nghttp2(nghttp2_hd_inflater* inflater, std::string_view block, Fields& fields) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        const ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, left, 1);
        if (taken < 0) return false;
        at += taken;
        left -= static_cast<std::size_t>(taken);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            fields.emplace_back(std::string(reinterpret_cast<const char*>(field.name), field.namelen),
                                std::string(reinterpret_cast<const char*>(field.value), field.valuelen));
        }
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater);
    return true;
}

bool by_us(HpackDecoder& decoder, std::string_view block, Fields& fields) {
    HpackScratch scratch;
    DecodedField field;
    decoder.begin();
    for (;;) {
        switch (decoder.next(block, scratch, field)) {
            case HpackDecoder::Step::Broken:
                return false;
            case HpackDecoder::Step::End:
                return true;
            case HpackDecoder::Step::Field:
                break;
        }
        const FieldFacts anew = judge_field(field.name, field.value);
        check(anew.kind == field.facts.kind && anew.well_formed == field.facts.well_formed);
        fields.emplace_back(field.name, field.value);
    }
}

}  // namespace

// Each block: two bytes of length, then its bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    nghttp2_hd_inflater* raw = nullptr;
    check(nghttp2_hd_inflate_new(&raw) == 0);
    const std::unique_ptr<nghttp2_hd_inflater, Free> theirs(raw);
    HpackDecoder ours;
    while (input.size() >= 2) {
        const std::size_t length = static_cast<unsigned char>(input[0]) * std::size_t{256} + static_cast<unsigned char>(input[1]);
        const std::string_view block = input.substr(2, length);
        input.remove_prefix(2 + block.size());
        Fields expected, found;
        const bool good = by_nghttp2(theirs.get(), block, expected);
        check(by_us(ours, block, found) == good);
        if (!good) break;
        check(found == expected);
    }
    return 0;
}
