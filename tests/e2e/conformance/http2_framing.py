"""Connections, frames and streams: RFC 9113 §3 to §5, and §5.3 of RFC 7540, whose PRIORITY still comes."""
from conformance.case import Case
from conformance.frames import (ACK, COMPRESSION_ERROR, END_HEADERS, END_STREAM, FRAME_SIZE_ERROR, GOAWAY, INITIAL_WINDOW_SIZE,
                                MAX_CONCURRENT_STREAMS, NONE, PING, PREFACE, PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, STREAM_CLOSED,
                                UNKNOWN, block, continuation, data, dependency, frame, headers, ping, priority, request,
                                settings, window_update)
from conformance.frames import reset as rst
from conformance.http2_generic import server_preface
from conformance.peer import alive, answered, closed, either, goaway, reset

MORE = block([("x-dummy", "x" * 64)])
OF_CONNECTION_OR_STREAM = ((GOAWAY, STREAM_CLOSED), (RST_STREAM, STREAM_CLOSED))  # §5.1, closed: a MAY; §6.1: a stream error


def too_many_streams(scheme):
    """One request more than the server says it takes, while none of them can be answered."""
    def step(peer):
        most = peer.settings[MAX_CONCURRENT_STREAMS]
        peer.send(settings((INITIAL_WINDOW_SIZE, 0)), *(headers(2 * i + 1, block(request(scheme))) for i in range(most + 1)))
        reset(PROTOCOL_ERROR, REFUSED_STREAM, stream=2 * most + 1)(peer)
    return step


def pings_back(peer):
    peer.until("PING with ACK", lambda frame: frame.is_(PING) and frame.flags == ACK)


def cases(scheme):
    return connection(scheme) + frame_layout(scheme) + stream_states(scheme) + streams(scheme)


def connection(scheme):
    get = headers(1, block(request(scheme)))
    return [
        Case("http2/3.5/1", "the server's first frame is its SETTINGS", server_preface, greeted=False),
        Case("http2/3.5/2", "an invalid preface ends the connection", b"INVALID CONNECTION PREFACE\r\n\r\n", closed, greeted=False),
        Case("http2/3.4/more1", "a preface that is followed by another frame than SETTINGS is a connection error",
             PREFACE + ping(), goaway(PROTOCOL_ERROR), greeted=False),
        Case("http2/3.4/more2", "a preface that is followed by an acknowledgement only is a connection error",
             PREFACE + settings(flags=ACK), goaway(PROTOCOL_ERROR), greeted=False),
        Case("http2/3.4/more3", "requests may follow the preface without waiting for the server's",
             PREFACE + settings() + get, answered(1), greeted=False),
        Case("http2/3.4/more4", "the preface and frames may come byte by byte",
             *(bytes([byte]) for byte in PREFACE + settings() + get), answered(1), greeted=False),
    ]


def frame_layout(scheme):
    simple = block(request(scheme))
    opened = headers(1, simple, END_HEADERS)
    begun = headers(1, simple, NONE)
    post = headers(1, block(request(scheme, method="POST")), END_HEADERS)
    return [
        Case("http2/4.1/1", "a frame of unknown type is ignored", frame(UNKNOWN, NONE, 0, bytes(8)), alive),
        Case("http2/4.1/2", "undefined flags are ignored", frame(PING, 0x16, 0, bytes(8)), pings_back),
        Case("http2/4.1/3", "the reserved bit is ignored", frame(PING, 0x16, 1 << 31, bytes(8)), pings_back),
        Case("http2/4.2/1", "a DATA frame of 2^14 bytes is taken", post, data(1, bytes(1 << 14)), answered(1, 405)),
        Case("http2/4.2/2", "a DATA frame larger than SETTINGS_MAX_FRAME_SIZE is a FRAME_SIZE_ERROR", post,
             data(1, bytes((1 << 14) + 1)), either((GOAWAY, FRAME_SIZE_ERROR), (RST_STREAM, FRAME_SIZE_ERROR))),
        Case("http2/4.2/3", "a HEADERS frame larger than SETTINGS_MAX_FRAME_SIZE is a connection error",
             headers(1, simple + block([("x-dummy", "x" * 4000)] * 5)), goaway(FRAME_SIZE_ERROR)),
        Case("http2/4.2/more1", "a frame header that announces too much is an error before its payload comes",
             frame(UNKNOWN, NONE, 0, b"", length=(1 << 14) + 1), goaway(FRAME_SIZE_ERROR)),
        Case("http2/4.3/1", "a block that does not decode is a connection error", headers(1, b"\x40"), goaway(COMPRESSION_ERROR)),
        Case("http2/4.3/2", "PRIORITY within a block is a connection error", begun, priority(1), continuation(1, MORE),
             goaway(PROTOCOL_ERROR)),
        Case("http2/4.3/3", "HEADERS of another stream within a block is a connection error", begun, headers(3, simple),
             continuation(1, MORE), goaway(PROTOCOL_ERROR)),
        Case("http2/4.3/more1", "a block of a closed stream keeps the table current", opened + rst(1),
             headers(3, simple + b"\x40\x06x-test\x02ok"), answered(3), headers(5, simple + b"\xbe"), answered(5)),
        Case("http2/4.3/more2", "so does one of a malformed request",
             headers(1, block([("X-UPPER", "1")]) + simple + b"\x40\x06x-test\x02ok"), reset(PROTOCOL_ERROR),
             headers(3, simple + b"\xbe"), answered(3)),
    ]


def stream_states(scheme):
    simple = block(request(scheme))
    get = headers(1, simple)
    opened = headers(1, simple, END_HEADERS)
    held = settings((INITIAL_WINDOW_SIZE, 0)) + get  # half-closed (remote): the answer has to wait
    return [
        Case("http2/5.1/1", "idle: DATA is a connection error", data(1), goaway(PROTOCOL_ERROR)),
        Case("http2/5.1/2", "idle: RST_STREAM is a connection error", rst(1), goaway(PROTOCOL_ERROR)),
        Case("http2/5.1/3", "idle: WINDOW_UPDATE is a connection error", window_update(1, 100), goaway(PROTOCOL_ERROR)),
        Case("http2/5.1/4", "idle: CONTINUATION is a connection error", continuation(1, simple), goaway(PROTOCOL_ERROR)),
        Case("http2/5.1/5", "half-closed (remote): DATA is a stream error", held + data(1), reset(STREAM_CLOSED)),
        Case("http2/5.1/6", "half-closed (remote): HEADERS is a stream error", held + get, reset(STREAM_CLOSED)),
        Case("http2/5.1/7", "half-closed (remote): CONTINUATION is an error", held, continuation(1, simple),
             either((GOAWAY, PROTOCOL_ERROR), (GOAWAY, STREAM_CLOSED))),
        Case("http2/5.1/8", "closed by RST_STREAM: DATA is an error", opened + rst(1) + data(1), either(*OF_CONNECTION_OR_STREAM)),
        Case("http2/5.1/9", "closed by RST_STREAM: HEADERS is an error", opened + rst(1) + get, either(*OF_CONNECTION_OR_STREAM)),
        Case("http2/5.1/10", "closed by RST_STREAM: CONTINUATION is an error", opened + rst(1) + continuation(1, MORE),
             goaway(STREAM_CLOSED, PROTOCOL_ERROR)),
        Case("http2/5.1/11", "closed by END_STREAM: DATA is an error", get, answered(1), data(1), either(*OF_CONNECTION_OR_STREAM)),
        Case("http2/5.1/12", "closed by END_STREAM: HEADERS is a connection error", get, answered(1), get, goaway(STREAM_CLOSED)),
        Case("http2/5.1/13", "closed by END_STREAM: CONTINUATION is a connection error", get, answered(1), continuation(1, MORE),
             goaway(STREAM_CLOSED, PROTOCOL_ERROR)),
        Case("http2/5.1/more1", "closed: WINDOW_UPDATE and RST_STREAM that were under way are accepted", get, answered(1),
             window_update(1, 1), rst(1), alive),
        Case("http2/5.1/more2", "what was under way when the server reset a stream is nobody's fault",
             headers(1, block([("X-UPPER", "1")]), END_HEADERS), reset(PROTOCOL_ERROR), data(1, flags=NONE), data(1), alive),
        Case("http2/5.1/more3", "a stream that is passed over is closed", headers(3, simple), answered(3), data(1),
             either(*OF_CONNECTION_OR_STREAM)),
        Case("http2/5.2/more1", "more DATA than the stream's window is a flow-control error",
             headers(1, block(request(scheme, method="POST")), END_HEADERS) + data(1, bytes(16384), NONE) * 100,
             overrun),
    ]


def overrun(peer):
    """A client may not count on windows it was not given; where no content is wanted the server may reset before that (§8.1)."""
    last = peer.until("the end of the stream", lambda frame: frame.kind in (RST_STREAM, GOAWAY))
    assert last.code() in (0, 3), f"{last}: neither NO_ERROR nor FLOW_CONTROL_ERROR"


def streams(scheme):
    simple = block(request(scheme))
    get = headers(1, simple)
    held = settings((INITIAL_WINDOW_SIZE, 0))
    begun = headers(1, simple, END_STREAM)
    return [
        Case("http2/5.1.1/1", "an even stream is a connection error", headers(2, simple), goaway(PROTOCOL_ERROR)),
        Case("http2/5.1.1/2", "a stream below one that was used is a connection error", held, headers(5, simple), headers(3, simple),
             goaway(PROTOCOL_ERROR, STREAM_CLOSED)),
        Case("http2/5.1.1/3", "HEADERS of a half-closed (remote) stream is a stream error", held, headers(5, simple),
             headers(5, simple), reset(STREAM_CLOSED, stream=5)),
        Case("http2/5.1.2/1", "a request beyond SETTINGS_MAX_CONCURRENT_STREAMS is refused", too_many_streams(scheme)),
        Case("http2/5.3.1/1", "HEADERS that depends on itself is an error", headers(1, simple, priority=dependency(1)),
             either((RST_STREAM, PROTOCOL_ERROR), (GOAWAY, PROTOCOL_ERROR))),
        Case("http2/5.3.1/2", "PRIORITY that depends on itself is an error", priority(1, on=1),
             either((RST_STREAM, PROTOCOL_ERROR), (GOAWAY, PROTOCOL_ERROR))),
        Case("http2/5.4.1/1", "after a connection error the connection is closed", ping(stream=3), closed),
        Case("http2/5.4.1/2", "and GOAWAY says why first", ping(stream=3), goaway(PROTOCOL_ERROR)),
        Case("http2/5.4.1/more1", "GOAWAY names the last stream that was worked on", get, answered(1), ping(stream=3), last_stream(1)),
        Case("http2/5.5/1", "an unknown frame is ignored", frame(UNKNOWN, NONE, 0, bytes(8)), alive),
        Case("http2/5.5/2", "but within a block it is a connection error", begun, frame(UNKNOWN, NONE, 0, bytes(8)),
             goaway(PROTOCOL_ERROR)),
        Case("http2/5.5/more1", "an unknown frame on a stream that is not yet open is ignored", frame(UNKNOWN, 0xff, 1, b"x"), get,
             answered(1)),
    ]


def last_stream(stream):
    def expect(peer):
        ending = peer.until("GOAWAY", lambda frame: frame.is_(GOAWAY))
        assert int.from_bytes(ending.payload[:4], "big") == stream, ending
    return expect
