"""Extensible priorities: RFC 9218 §2.1, §5 and §7.1."""
from conformance.case import Case
from conformance.frames import (FRAME_SIZE_ERROR, GOAWAY, NO_RFC7540_PRIORITIES, NONE, PRIORITY_UPDATE, PROTOCOL_ERROR, block, frame,
                                headers, priority_update, request, settings, u32)
from conformance.peer import alive, answered, goaway

# RFC 9218 §5, RFC 8941: what is no dictionary, or says something else than the scheme knows, is as if it had not come.
VALUES = {"empty": "", "urgency": "u=0", "incremental": "u=7, i", "unknown": "u=3, i=?0, x=1", "out-of-range": "u=9",
          "wrong-type": "u=high", "no-dictionary": "=;", "many": ", ".join(f"k{i}" for i in range(60))}


def cases(scheme):
    get = headers(1, block(request(scheme)))
    before = [PRIORITY_UPDATE, NONE, 0]
    return [
        Case("priority/2.1/1", "the server says that it does not use RFC 7540's", says_so),
        Case("priority/2.1/2", "a SETTINGS_NO_RFC7540_PRIORITIES above 1 is a connection error", settings((NO_RFC7540_PRIORITIES, 2)),
             goaway(PROTOCOL_ERROR)),
        Case("priority/2.1/3", "one that changes after the first SETTINGS may be a connection error, and is nothing else",
             settings((NO_RFC7540_PRIORITIES, 1)), settled),
        *(Case(f"priority/5/{name}", f"Priority: {value[:40]!r} is answered",
               headers(1, block(request(scheme, ("priority", value)))), answered(1)) for name, value in VALUES.items()),
        *(Case(f"priority/7.1/{name}", f"PRIORITY_UPDATE with {value[:40]!r} is taken", priority_update(1, value.encode()), get,
               answered(1)) for name, value in VALUES.items()),
        Case("priority/7.1/bytes", "PRIORITY_UPDATE with bytes that are no text is taken", priority_update(1, b"\xff\0\r\n"), get,
             answered(1)),
        Case("priority/7.1/1", "PRIORITY_UPDATE of a stream instead of the connection is a connection error",
             priority_update(1, b"u=1", stream=1), goaway(PROTOCOL_ERROR)),
        Case("priority/7.1/2", "PRIORITY_UPDATE that is too short is a connection error", frame(*before, b"\0\0\0"),
             goaway(FRAME_SIZE_ERROR)),
        Case("priority/7.1/3", "PRIORITY_UPDATE that prioritises stream 0 is a connection error", priority_update(0, b"u=1"),
             goaway(PROTOCOL_ERROR)),
        Case("priority/7.1/4", "PRIORITY_UPDATE of a push that never was is a connection error", priority_update(2, b"u=1"),
             goaway(PROTOCOL_ERROR)),
        Case("priority/7.1/5", "PRIORITY_UPDATE of a request to come is taken", priority_update(5, b"u=1"),
             headers(5, block(request(scheme))), answered(5)),
        Case("priority/7.1/6", "PRIORITY_UPDATE of a request that has been answered is ignored", get, answered(1),
             priority_update(1, b"u=1"), alive),
        Case("priority/7.1/7", "PRIORITY_UPDATE beyond the streams that are allowed is ignored or a connection error",
             priority_update((1 << 31) - 1, b"u=1"), alive_or(PROTOCOL_ERROR)),
        Case("priority/7.1/8", "the reserved bit before the stream is ignored", frame(*before, u32((1 << 31) | 1) + b"u=1"), get,
             answered(1)),
        Case("priority/7.1/9", "the last of several counts, and none is an error",
             *(priority_update(1, b"u=%d" % (i % 8)) for i in range(16)), get, answered(1)),
        Case("priority/7.1/10", "PRIORITY_UPDATE within a block is a connection error", headers(1, block(request(scheme)), 1),
             priority_update(1, b"u=1"), goaway(PROTOCOL_ERROR)),
    ]


def says_so(peer):
    assert peer.settings.get(NO_RFC7540_PRIORITIES) == 1, peer.settings


def alive_or(*codes):
    def expect(peer):
        peer.send(frame(6, NONE, 0, b"still ok"))
        first = peer.until("PING or GOAWAY", lambda each: each.is_(GOAWAY) or each.is_(6))
        assert not first.is_(GOAWAY) or first.code() in codes, first
    return expect


settled = alive_or(PROTOCOL_ERROR)
