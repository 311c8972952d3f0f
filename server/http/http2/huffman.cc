#include "server/http/http2/huffman.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace selvage::http::h2 {

namespace {

constexpr std::size_t kSymbols = 257;
constexpr std::size_t kEndOfString = 256;
constexpr unsigned kLongest = 30;

// Bits of each symbol's code. The codes follow from them: they are canonical, given out by length and then by symbol.
constexpr std::array<std::uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,  //
    28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   //
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,   //
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   //
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,   //
    7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,  //
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,  //
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

// Nearly all of a header is written in codes of up to 8 bits: one look. The others are found by their length.
struct Tables {
    struct Short {
        std::uint8_t symbol;
        std::uint8_t length;  // 0: the code is longer
    };
    std::array<Short, 256> shorts{};
    std::array<std::uint32_t, kLongest + 2> first_code{};    // of each length
    std::array<std::uint16_t, kLongest + 2> first_symbol{};  // its place in `symbols`
    std::array<std::uint16_t, kSymbols> symbols{};           // by code
};

constexpr Tables make_tables() {
    Tables tables;
    std::uint32_t code = 0;
    std::uint16_t place = 0;
    for (unsigned length = 1; length <= kLongest; ++length) {
        code <<= 1;
        tables.first_code[length] = code;
        tables.first_symbol[length] = place;
        for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
            if (kLengths[symbol] != length) continue;
            tables.symbols[place++] = static_cast<std::uint16_t>(symbol);
            if (length <= 8) {
                for (std::uint32_t i = 0; i < (1U << (8 - length)); ++i) {
                    tables.shorts[(code << (8 - length)) + i] = {static_cast<std::uint8_t>(symbol),
                                                                 static_cast<std::uint8_t>(length)};
                }
            }
            ++code;
        }
    }
    tables.first_symbol[kLongest + 1] = place;
    return tables;
}

constexpr Tables kTables = make_tables();

// A code of more than 8 bits at the top of `window`. Returns its length and stores the symbol; 0: there is none.
unsigned long_code(std::uint64_t window, std::size_t& symbol) {
    for (unsigned length = 9; length <= kLongest; ++length) {
        const auto code = static_cast<std::uint32_t>(window >> (64 - length));
        const std::uint32_t count = kTables.first_symbol[length + 1] - kTables.first_symbol[length];
        const std::uint32_t offset = code - kTables.first_code[length];
        if (code < kTables.first_code[length] || offset >= count) continue;
        symbol = kTables.symbols[kTables.first_symbol[length] + offset];
        return length;
    }
    return 0;
}

// The next bits, from the top of a word.
struct Window {
    std::string_view rest;
    std::uint64_t word = 0;
    unsigned bits = 0;  // how many of it are there; below them are zeros

    void refill() {
        while (bits <= 56 && !rest.empty()) {
            word |= std::uint64_t{static_cast<unsigned char>(rest.front())} << (56 - bits);
            rest.remove_prefix(1);
            bits += 8;
        }
    }
    void drop(unsigned count) {
        word <<= count;
        bits -= count;
    }
};

// Returns the end of what was written, null when the codes are not right.
char* decode(std::string_view coded, char* at) {
    Window window{.rest = coded};
    for (;;) {
        window.refill();
        Tables::Short found = kTables.shorts[window.word >> 56];
        while (found.length != 0 && found.length <= window.bits) {
            *at++ = static_cast<char>(found.symbol);
            window.drop(found.length);
            found = kTables.shorts[window.word >> 56];
        }
        if (!window.rest.empty() && window.bits < kLongest) continue;
        std::size_t symbol = kEndOfString;
        const unsigned length = found.length == 0 && window.bits > 8 ? long_code(window.word, symbol) : 0;
        if (length == 0 || length > window.bits) {
            // What is left: fewer than 8 bits, all ones.
            const bool padding = window.bits == 0 || window.word >> (64 - window.bits) == (1U << window.bits) - 1;
            return window.bits < 8 && padding ? at : nullptr;
        }
        if (symbol == kEndOfString) return nullptr;
        *at++ = static_cast<char>(symbol);
        window.drop(length);
    }
}

}  // namespace

bool decode_huffman(std::string_view coded, std::string& text) {
    bool whole = true;
    // The shortest code has 5 bits.
    text.resize_and_overwrite(coded.size() * 8 / 5, [&](char* into, std::size_t) {
        char* const end = decode(coded, into);
        whole = end != nullptr;
        return whole ? static_cast<std::size_t>(end - into) : 0;
    });
    return whole;
}

}  // namespace selvage::http::h2
