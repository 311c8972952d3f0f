"""What every HTTP/2 endpoint must accept: one case per kind of frame, message and field representation."""
from conformance.case import Case
from conformance.frames import (ACK, CANCEL, ENABLE_PUSH, END_HEADERS, END_STREAM, HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE,
                                MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, NONE, PADDED, PREFACE, SETTINGS, block,
                                continuation, data, dependency, goaway, headers, literal, priority, request, reset,
                                settings, window_update)
from conformance.peer import acknowledged, alive, answered, content

# RFC 7541: fields in each representation, as a case appends them to a complete request.
PLAIN_AGENT, PLAIN_NEW = b"\x0auser-agent\x06h2spec", b"\x06x-test\x06h2spec"
CODED_AGENT, CODED_NEW = b"\x87\xb5\x05\xb1\x61\xcc\x5a\x93\x84\x9c\x48\xac\xa4", b"\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4"
INDEXED_NAME = {0x40: b"\x7a\x06h2spec", 0x00: b"\x0f\x2b\x06h2spec", 0x10: b"\x1f\x2b\x06h2spec"}  # user-agent: static entry 58


def server_preface(peer):
    peer.send(PREFACE, settings((INITIAL_WINDOW_SIZE, 65535)))
    first = peer.next()
    assert first is not None and first.is_(SETTINGS) and not first.flags & ACK, f"{first} is no server preface"


def cases(scheme):
    simple = block(request(scheme))
    get = headers(1, simple)
    opened = headers(1, simple, END_HEADERS)
    post = headers(1, block(request(scheme, method="POST")), END_HEADERS)
    no_window = settings((INITIAL_WINDOW_SIZE, 0))
    return [
        Case("generic/1/1", "the server's first frame is its SETTINGS", server_preface, greeted=False),
        Case("generic/2/1", "PRIORITY is accepted on an idle stream", priority(1), alive),
        Case("generic/2/2", "WINDOW_UPDATE is accepted on a half-closed (remote) stream", no_window, get, window_update(1, 1), content(1)),
        Case("generic/2/3", "PRIORITY is accepted on a half-closed (remote) stream", no_window, get, priority(1), window_update(1, 1),
             content(1)),
        Case("generic/2/4", "RST_STREAM is accepted on a half-closed (remote) stream", no_window, get, reset(1, CANCEL), alive),
        Case("generic/2/5", "PRIORITY is accepted on a closed stream", get, answered(1), priority(1), alive),
        Case("generic/3.1/1", "DATA is accepted", post, data(1), answered(1, 405)),
        Case("generic/3.1/2", "several DATA are accepted", post, data(1, flags=NONE), data(1), answered(1, 405)),
        Case("generic/3.1/3", "DATA with padding is accepted", post, data(1, b"\x06testpadded", END_STREAM | PADDED), answered(1, 405)),
        Case("generic/3.2/1", "HEADERS is accepted", get, answered(1)),
        Case("generic/3.2/2", "HEADERS with padding is accepted", headers(1, simple, padding=8), answered(1)),
        Case("generic/3.2/3", "HEADERS with a priority is accepted", headers(1, simple, priority=dependency(0)), answered(1)),
        Case("generic/3.3/1", "PRIORITY of weight 1 is accepted", priority(1, weight=0), get, answered(1)),
        Case("generic/3.3/2", "PRIORITY of weight 256 is accepted", priority(1, weight=255), get, answered(1)),
        Case("generic/3.3/3", "PRIORITY that depends on a stream is accepted", priority(3, on=1), get, answered(1)),
        Case("generic/3.3/4", "exclusive PRIORITY is accepted", priority(1, exclusive=True), get, answered(1)),
        Case("generic/3.3/5", "PRIORITY of an idle stream does not hinder a request on a lower one", priority(3), get, answered(1)),
        Case("generic/3.4/1", "RST_STREAM is accepted", opened, reset(1, CANCEL), alive),
        Case("generic/3.5/1", "SETTINGS is accepted and acknowledged",
             settings((HEADER_TABLE_SIZE, 4096), (ENABLE_PUSH, 1), (MAX_CONCURRENT_STREAMS, 100), (INITIAL_WINDOW_SIZE, 65535),
                      (MAX_FRAME_SIZE, 16384), (MAX_HEADER_LIST_SIZE, 100)), acknowledged),
        Case("generic/3.7/1", "PING is accepted", alive),
        Case("generic/3.8/1", "GOAWAY is accepted", goaway(0, more=b"bye"), alive),
        Case("generic/3.9/1", "WINDOW_UPDATE of the connection is accepted", window_update(0, 1), alive),
        Case("generic/3.9/2", "WINDOW_UPDATE of a stream is accepted", get, window_update(1, 1), answered(1)),
        Case("generic/3.10/1", "CONTINUATION is accepted", headers(1, simple[:5], END_STREAM), continuation(1, simple[5:]), answered(1)),
        Case("generic/3.10/2", "several CONTINUATION are accepted", headers(1, simple[:5], END_STREAM),
             continuation(1, simple[5:10], NONE), continuation(1, simple[10:]), answered(1)),
        Case("generic/4/1", "GET is answered", get, answered(1)),
        Case("generic/4/2", "HEAD is answered", headers(1, block(request(scheme, method="HEAD"))), answered(1)),
        Case("generic/4/3", "POST is answered", post, data(1), answered(1, 405)),
        Case("generic/4/4", "POST with trailers is answered",
             headers(1, block(request(scheme, ("trailer", "x-test"), method="POST")), END_HEADERS), data(1, flags=NONE),
             headers(1, block([("x-test", "ok")])), answered(1, 405)),
        *hpack_cases(simple)]


def hpack_cases(simple):
    def accepted(number, claim, *blocks):
        return Case(f"generic/5/{number}", claim + " is accepted",
                    *(step for i, one in enumerate(blocks) for step in (headers(2 * i + 1, one), answered(2 * i + 1))))

    found = [accepted(1, "an indexed field", simple + b"\xba")]  # user-agent, without a value
    for number, first, how in ((2, 0x40, "with incremental indexing"), (6, 0x00, "without indexing"), (10, 0x10, "never indexed")):
        byte = bytes([first])
        found += [
            accepted(number, f"a literal field {how}, its name indexed or written out",
                     simple + INDEXED_NAME[first], simple + byte + PLAIN_AGENT),
            accepted(number + 1, f"a literal field {how}, Huffman-coded", simple + byte + CODED_AGENT),
            accepted(number + 2, f"a literal field {how} with a new name", simple + byte + PLAIN_NEW),
            accepted(number + 3, f"a literal field {how} with a new name, Huffman-coded", simple + byte + CODED_NEW)]
    return found + [
        accepted(14, "a table size update", b"\x20" + simple),
        accepted(15, "several table size updates", b"\x20\x3f\xe1\x1f" + simple),
        accepted("more", "a field in the dynamic table, named by its index", simple + literal("x-test", "ok", b"\x40"),
                 simple + b"\xbe")]
