#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http2/field_rules.h"

namespace selvage::http::h2 {

// One field of a block. The views hold until the next one is asked for.
struct DecodedField {
    std::string_view name;
    std::string_view value;
    FieldFacts facts;
};

// Where literals are decoded; shared by the connections of a loop.
struct HpackScratch {
    std::string name;
    std::string value;
};

// HPACK's receiving end (RFC 7541): the dynamic table of one connection.
//
// nghttp2's inflater costs 370 instructions per indexed field, and 2.2 KiB per connection before its first entry; here an entry
// remembers what judge_field() said of it, so that a field that is only named costs about 80.
class HpackDecoder {
public:
    HpackDecoder();

    enum class Step : std::uint8_t { Field, End, Broken };

    // Call it before each header block.
    void begin() { may_resize_ = true; }

    // Takes the next field off the front of `block`, which is complete. Broken: a connection error, COMPRESSION_ERROR (§2.3.3 and
    // following; RFC 9113 §4.3).
    Step next(std::string_view& block, HpackScratch& scratch, DecodedField& field);

private:
    static constexpr std::uint32_t kLargestTable = 4'096;  // what we announce, by saying nothing
    static constexpr std::uint32_t kEntryOverhead = 32;    // §4.1

    struct Entry {
        std::uint32_t begin;  // in text_: the name, then the value
        std::uint16_t name_size;
        std::uint16_t value_size;
        FieldFacts facts;
        std::uint32_t bytes() const { return name_size + value_size + kEntryOverhead; }
    };

    bool lookup(std::uint64_t index, DecodedField& field) const;  // false: there is no such entry
    bool literal(std::string_view& block, unsigned name_bits, HpackScratch& scratch, DecodedField& field);
    void insert(DecodedField& field, HpackScratch& scratch);
    void shrink_to(std::uint32_t bytes);
    void compact();
    std::size_t count() const { return entries_.size() - first_; }

    std::vector<Entry> entries_;  // the oldest at first_
    std::string text_;
    std::size_t first_ = 0;
    std::uint32_t bytes_ = 0;
    std::uint32_t limit_ = kLargestTable;
    bool may_resize_ = true;
    const FieldFacts* const static_facts_;
};

}  // namespace selvage::http::h2
