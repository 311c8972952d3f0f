#include "server/http/http2/hpack_decoder.h"

#include <array>
#include <optional>
#include <utility>

#include "server/http/http2/huffman.h"

namespace selvage::http::h2 {

namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// RFC 7541 appendix A.
constexpr std::array kStaticTable = std::to_array<Pair>({
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
});
static_assert(kStaticTable.size() == 61);

const FieldFacts* static_facts() {
    static const auto kFacts = [] {
        std::array<FieldFacts, kStaticTable.size()> facts;
        for (std::size_t i = 0; i < facts.size(); ++i) facts[i] = judge_field(kStaticTable[i].first, kStaticTable[i].second);
        return facts;
    }();
    return kFacts.data();
}

// §5.1: an integer whose first bits are the low `bits` of the first byte. Nothing: cut off, or beyond what anything here can
// mean.
std::optional<std::uint64_t> take_integer(std::string_view& block, unsigned bits) {
    if (block.empty()) return std::nullopt;
    const std::uint64_t most = (1U << bits) - 1;
    std::uint64_t value = static_cast<unsigned char>(block.front()) & most;
    block.remove_prefix(1);
    if (value < most) return value;
    constexpr unsigned kMostShift = 28;
    for (unsigned shift = 0; shift <= kMostShift; shift += 7) {
        if (block.empty()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(block.front());
        block.remove_prefix(1);
        value += std::uint64_t{byte & 0x7fU} << shift;
        if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
}

// §5.2. The view is of the block itself or of `decoded`.
std::optional<std::string_view> take_string(std::string_view& block, std::string& decoded) {
    if (block.empty()) return std::nullopt;
    const bool huffman = (static_cast<unsigned char>(block.front()) & 0x80) != 0;
    const auto size = take_integer(block, 7);
    if (!size || *size > block.size()) return std::nullopt;
    const std::string_view raw = block.substr(0, *size);
    block.remove_prefix(*size);
    if (!huffman) return raw;
    if (!decode_huffman(raw, decoded)) return std::nullopt;
    return decoded;
}

}  // namespace

HpackDecoder::HpackDecoder() : static_facts_(static_facts()) {}

HpackDecoder::Step HpackDecoder::next(std::string_view& block, HpackScratch& scratch, DecodedField& field) {
    while (!block.empty()) {
        const auto first = static_cast<unsigned char>(block.front());
        if ((first & 0x80) != 0) {  // §6.1: named whole
            may_resize_ = false;
            const auto index = take_integer(block, 7);
            return index && lookup(*index, field) ? Step::Field : Step::Broken;
        }
        if ((first & 0xe0) == 0x20) {  // §6.3: only before the first field (§4.2)
            const auto limit = take_integer(block, 5);
            if (!may_resize_ || !limit || *limit > kLargestTable) return Step::Broken;
            limit_ = static_cast<std::uint32_t>(*limit);
            shrink_to(limit_);
            continue;
        }
        may_resize_ = false;
        const bool indexed = (first & 0x40) != 0;  // §6.2.1; else §6.2.2, §6.2.3
        if (!literal(block, indexed ? 6 : 4, scratch, field)) return Step::Broken;
        if (indexed) insert(field, scratch);
        return Step::Field;
    }
    return Step::End;
}

bool HpackDecoder::lookup(std::uint64_t index, DecodedField& field) const {
    if (index == 0) return false;
    if (index <= kStaticTable.size()) {
        const auto& [name, value] = kStaticTable[index - 1];
        field = {.name = name, .value = value, .facts = static_facts_[index - 1]};
        return true;
    }
    index -= kStaticTable.size();
    if (index > count()) return false;
    const Entry& entry = entries_[entries_.size() - index];
    const char* text = text_.data() + entry.begin;
    field = {.name = {text, entry.name_size}, .value = {text + entry.name_size, entry.value_size}, .facts = entry.facts};
    return true;
}

bool HpackDecoder::literal(std::string_view& block, unsigned name_bits, HpackScratch& scratch, DecodedField& field) {
    const auto index = take_integer(block, name_bits);
    if (!index) return false;
    if (*index != 0) {
        if (!lookup(*index, field)) return false;
    } else {
        const auto name = take_string(block, scratch.name);
        if (!name) return false;
        field.name = *name;
    }
    const auto value = take_string(block, scratch.value);
    if (!value) return false;
    field.value = *value;
    field.facts = judge_field(field.name, field.value);
    return true;
}

// §4.4: what the new entry pushes out may be the very entry that lent its name.
void HpackDecoder::insert(DecodedField& field, HpackScratch& scratch) {
    const std::size_t bytes = field.name.size() + field.value.size() + kEntryOverhead;
    if (field.name.data() != scratch.name.data()) {
        scratch.name.assign(field.name);
        field.name = scratch.name;
    }
    if (bytes > limit_) {
        shrink_to(0);
        return;
    }
    shrink_to(limit_ - static_cast<std::uint32_t>(bytes));
    compact();
    entries_.push_back({.begin = static_cast<std::uint32_t>(text_.size()),
                        .name_size = static_cast<std::uint16_t>(field.name.size()),
                        .value_size = static_cast<std::uint16_t>(field.value.size()),
                        .facts = field.facts});
    text_.append(field.name).append(field.value);
    bytes_ += static_cast<std::uint32_t>(bytes);
}

void HpackDecoder::shrink_to(std::uint32_t bytes) {
    while (bytes_ > bytes) bytes_ -= entries_[first_++].bytes();
}

// What was evicted is given up when it is as much as a whole table: each byte moves once per 4 KiB that came in.
void HpackDecoder::compact() {
    if (count() == 0) {
        entries_.clear();
        text_.clear();
        first_ = 0;
        return;
    }
    const std::uint32_t gone = entries_[first_].begin;
    if (gone < kLargestTable) return;
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
    text_.erase(0, gone);
    for (Entry& entry : entries_) entry.begin -= gone;
}

}  // namespace selvage::http::h2
