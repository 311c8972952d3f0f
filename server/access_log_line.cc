#include "server/access_log_line.h"

#include <fmt/chrono.h>

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "server/http/counters.h"

namespace selvage::server {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// What is not a client's: names and quotes (198 bytes), the time (24), four numbers of 20 digits at most, the status (5), the
// protocol, the verdict, `false` and the coding (29). The rest is room for what fixed-size copies write beyond their text.
constexpr std::size_t kFrame = 384;

template <std::size_t Size>
char* put(char* at, const char (&text)[Size]) {
    std::memcpy(at, text, Size - 1);
    return at + Size - 1;
}

template <typename Value>
Value load(const char* at) {
    Value value;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

template <typename Value>
void store(char* at, Value value) {
    std::memcpy(at, &value, sizeof(value));
}

// "00", "01" … "99"
constexpr std::array kPairs = [] {
    std::array<std::array<char, 2>, 100> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    return pairs;
}();

// Most are short: here 6 to 16 instructions, of to_chars 22 to 30.
inline char* put_number(char* at, std::uint64_t number) {
    if (number < 10) {
        *at = static_cast<char>('0' + number);
        return at + 1;
    }
    if (number >= 10'000) return std::to_chars(at, at + 20, number).ptr;
    const auto digits = static_cast<std::uint32_t>(number);
    const std::uint32_t high = digits / 100;
    if (high >= 10) {
        store(at, kPairs[high]);
        at += 2;
    } else if (high > 0) {
        *at++ = static_cast<char>('0' + high);
    }
    store(at, kPairs[digits - 100 * high]);
    return at + 2;
}

// Negative when a clock went back.
char* put_microseconds(char* at, microseconds time) {
    if (time.count() >= 0) return put_number(at, static_cast<std::uint64_t>(time.count()));
    return std::to_chars(at, at + 20, time.count()).ptr;
}

char* put_name(char* at, std::string_view name) {
    std::memcpy(at, name.data(), name.size());
    return at + name.size();
}

char* put_flag(char* at, bool flag) { return flag ? put(at, "true") : put(at, "false"); }

// Sixteen bytes at once, by the compilers' own vectors: SSE2, NEON.
using Block = std::uint8_t __attribute__((vector_size(16)));

// What the bytes seen so far say together: whether one of them has to be escaped. Extremes instead of comparisons, which are
// left to the end: 14 instructions for 16 bytes, not 20.
struct Seen {
    Block least_quote = all(0xff), least_backslash = all(0xff), most = all(0);

    static Block all(std::uint8_t byte) { return Block{} + byte; }

    void add(Block block) {
        const Block quote = block ^ '"', backslash = block ^ '\\', printable = block - 0x20;
        least_quote = quote < least_quote ? quote : least_quote;
        least_backslash = backslash < least_backslash ? backslash : least_backslash;
        most = printable > most ? printable : most;
    }
    bool special() const {
        const auto found = (least_quote == 0) | (least_backslash == 0) | (most >= 0x5f);  // 0x7f − 0x20: DEL and beyond
        std::uint64_t words[2];
        std::memcpy(words, &found, sizeof(words));
        return (words[0] | words[1]) != 0;
    }
};

// Copies up to 15 bytes; false when one of them has to be escaped. Each width is done by copies that overlap.
bool copy_short(char* at, std::string_view text) {
    const char* from = text.data();
    const std::size_t size = text.size();
    if (size == 0) return true;
    std::uint64_t head, tail;
    if (size >= 8) {
        head = load<std::uint64_t>(from);
        tail = load<std::uint64_t>(from + size - 8);
        store(at, head);
        store(at + size - 8, tail);
    } else if (size >= 4) {
        head = load<std::uint32_t>(from) | std::uint64_t{load<std::uint32_t>(from + size - 4)} << 32;
        tail = head;
        store(at, static_cast<std::uint32_t>(head));
        store(at + size - 4, static_cast<std::uint32_t>(head >> 32));
    } else {
        const auto byte = [](char c) { return std::uint64_t{static_cast<unsigned char>(c)}; };
        at[0] = from[0];
        at[size / 2] = from[size / 2];
        at[size - 1] = from[size - 1];
        head = byte(from[0]) | byte(from[size / 2]) << 8 | byte(from[size - 1]) << 16 | 0x2020202020000000U;
        tail = head;
    }
    using Words = std::uint64_t __attribute__((vector_size(16)));
    Seen seen;
    seen.add(std::bit_cast<Block>(Words{head, tail}));
    return !seen.special();
}

// Copies all; false when a byte has to be escaped. One decision for the whole text: hardly any has one.
bool copy_plain(char* at, std::string_view text) {
    if (text.size() < sizeof(Block)) return copy_short(at, text);
    const std::size_t last = text.size() - sizeof(Block);
    const auto end = load<Block>(text.data() + last);
    Seen seen;
    seen.add(end);
    for (std::size_t i = 0; i < last; i += sizeof(Block)) {
        const auto block = load<Block>(text.data() + i);
        seen.add(block);
        store(at + i, block);
    }
    store(at + last, end);
    return !seen.special();
}

char* put_escaped(char* at, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f) {
            at = put(at, "\\u00");
            *at++ = kHex[byte >> 4];
            *at++ = kHex[byte & 15];
        } else {
            if (c == '"' || c == '\\') *at++ = '\\';
            *at++ = c;
        }
    }
    return at;
}

// What stands between the quotes.
char* put_text(char* at, std::string_view text) {
    if (copy_plain(at, text)) return at + text.size();
    return put_escaped(at, text);
}

}  // namespace

char* LineClock::put(char* at, SteadyTime time) {
    if (time < second_ || time - second_ >= std::chrono::seconds(1)) begin_second(time);
    const auto into = static_cast<unsigned>(duration_cast<milliseconds>(time - second_).count());
    std::memcpy(at, text_.data(), text_.size());
    at[20] = static_cast<char>('0' + into / 100);
    at[21] = static_cast<char>('0' + into / 10 % 10);
    at[22] = static_cast<char>('0' + into % 10);
    at[23] = 'Z';
    return at + kSize;
}

void LineClock::begin_second(SteadyTime time) {
    using std::chrono::system_clock;
    const auto wall = system_clock::now() + (time - std::chrono::steady_clock::now());
    const auto second = std::chrono::floor<std::chrono::seconds>(wall);
    second_ = time - (wall - second);
    fmt::format_to_n(text_.data(), text_.size(), "{:%FT%T}.", fmt::gmtime(system_clock::to_time_t(second)));
}

std::size_t AccessLine::most() const {
    return kFrame + 6 * (request.peer.size() + request.method_text.size() + request.authority.size() + request.target.size() +
                         referer.size() + user_agent.size());
}

char* AccessLine::write(char* at, LineClock& clock) const {
    const bool timed = request.received != SteadyTime{}, began = outcome.first_byte != SteadyTime{};
    const auto since_received = [this](SteadyTime time) { return duration_cast<microseconds>(time - request.received); };
    at = clock.put(put(at, "{\"time\":\""),
                   outcome.finished == SteadyTime{} ? std::chrono::steady_clock::now() : outcome.finished);
    at = put_text(put(at, "\",\"client\":\""), request.peer);
    at = put_text(put(at, "\",\"method\":\""), request.method_text);
    at = put_text(put(at, "\",\"host\":\""), request.authority);
    at = put_text(put(at, "\",\"target\":\""), request.target);
    at = put_name(put(at, "\",\"protocol\":\""), http::name_of(request.protocol));
    at = put_number(put(at, "\",\"status\":"), outcome.status);
    at = put_number(put(at, ",\"bytes\":"), outcome.body_bytes);
    at = put_microseconds(put(at, ",\"duration_us\":"), timed ? since_received(outcome.finished) : microseconds(0));
    at = put_microseconds(put(at, ",\"first_byte_us\":"), began ? since_received(outcome.first_byte) : microseconds(0));
    at = put_microseconds(put(at, ",\"fill_us\":"), outcome.fill_time);
    at = put_name(put(at, ",\"cache\":\""), http::name_of(outcome.verdict));
    at = put_flag(put(at, "\",\"complete\":"), outcome.complete);
    if (!outcome.coding.empty()) at = put(put_name(put(at, ",\"coding\":\""), outcome.coding), "\"");
    if (!referer.empty()) at = put(put_text(put(at, ",\"referer\":\""), referer), "\"");
    if (!user_agent.empty()) at = put(put_text(put(at, ",\"user_agent\":\""), user_agent), "\"");
    return put(at, "}\n");
}

}  // namespace selvage::server
