#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selvage::http {

// A field that many responses have word for word ("x-content-type-options: nosniff"), by its number in the process; 0: none.
//
// Each connection sends it in full once and then as one byte, an entry of its HPACK dynamic table (RFC 7541 §2.3.2).
using SharedField = std::uint8_t;
inline constexpr std::size_t kMostSharedBytes = 300;  // of one of them in a header block

// The number of such a field; 0 when its name says that it belongs to one resource (etag, last-modified …), or when the numbers
// are used up. Thread-safe.
SharedField share_field(std::string_view name, std::string_view value);

// The fields of a response head in HPACK, encoded once: what is the resource's own as finished bytes, the rest as numbers.
class HeadBlock {
public:
    explicit HeadBlock(const std::vector<std::pair<std::string, std::string>>& fields);

    std::string_view literals() const { return literals_; }
    const std::vector<SharedField>& shared() const { return shared_; }

private:
    std::string literals_;
    std::vector<SharedField> shared_;
};

// A literal that leaves the dynamic table alone (RFC 7541 §6.2.2), Huffman coded where that is shorter.
std::string encode_literal(std::string_view name, std::string_view value);

// What one connection's client has in its dynamic table: the shared fields sent so far. Nothing is ever evicted: once the table
// is full, what is not in it is sent in full.
class SharedFieldTable {
public:
    // Writes the field into a header block; returns the end of what was written, at most kMostSharedBytes.
    char* write(SharedField field, char* at);

    // The client's SETTINGS_HEADER_TABLE_SIZE. Smaller than HPACK's default: the table is given up.
    void limit(std::uint32_t bytes);

    // Begins a header block: announces a table that was given up (RFC 7541 §4.2), in a byte at most.
    char* begin(char* at);

private:
    static constexpr std::uint32_t kTableBytes = 4'096;  // RFC 9113 §6.5.2: until the client says otherwise
    static constexpr std::size_t kMostShared = 64;
    friend SharedField share_field(std::string_view name, std::string_view value);

    std::array<std::uint8_t, kMostShared> place_{};  // by number: the how manieth it was to come into the table; 0: not there
    std::uint8_t entries_ = 0;
    bool given_up_ = false;
    bool announce_ = false;
    std::uint32_t bytes_ = 0;
};

}  // namespace selvage::http
