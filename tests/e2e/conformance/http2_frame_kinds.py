"""Each kind of frame: RFC 9113 §6, and the error codes of §7."""
from conformance.case import Case
from conformance.frames import (ACK, ENABLE_PUSH, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR,
                                GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, NONE, PADDED, PING, PRIORITY, PROTOCOL_ERROR,
                                RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, block, continuation, data, frame, headers, ping,
                                priority, request, settings, window_update)
from conformance.frames import goaway as client_goaway
from conformance.frames import reset as rst
from conformance.peer import acknowledged, alive, answered, content, either, goaway, reset

MORE = block([("x-dummy", "x" * 64)])
LARGEST = (1 << 31) - 1


def cases(scheme):
    return (content_and_headers(scheme) + priority_and_reset(scheme) + settings_frames(scheme) + ping_and_goaway(scheme) +
            windows(scheme) + continuations(scheme))


def content_and_headers(scheme):
    simple = block(request(scheme))
    begun = headers(1, simple, NONE)
    held = settings((INITIAL_WINDOW_SIZE, 0))
    with_length = block(request(scheme, ("content-length", "4"), method="POST"))
    return [
        Case("http2/6.1/1", "DATA of stream 0 is a connection error", data(0), goaway(PROTOCOL_ERROR)),
        Case("http2/6.1/2", "DATA of a stream that is neither open nor half-closed (local) is a stream error", held,
             headers(1, block(request(scheme, method="POST", path="/nowhere"))), data(1), reset(STREAM_CLOSED)),
        Case("http2/6.1/3", "DATA with more padding than payload is a connection error", headers(1, with_length, END_HEADERS),
             frame(0, END_STREAM | PADDED, 1, b"\x06test"), goaway(PROTOCOL_ERROR)),
        Case("http2/6.1/more1", "DATA with as much padding as payload is a connection error", headers(1, with_length, END_HEADERS),
             frame(0, END_STREAM | PADDED, 1, b"\x05test"), goaway(PROTOCOL_ERROR)),
        Case("http2/6.1/more2", "DATA with PADDED and no payload is a connection error", headers(1, with_length, END_HEADERS),
             frame(0, END_STREAM | PADDED, 1, b""), either((GOAWAY, PROTOCOL_ERROR), (GOAWAY, FRAME_SIZE_ERROR))),
        Case("http2/6.2/1", "HEADERS without END_HEADERS and then PRIORITY is a connection error", begun, priority(1),
             continuation(1, MORE), goaway(PROTOCOL_ERROR)),
        Case("http2/6.2/2", "HEADERS without END_HEADERS and then HEADERS of another stream is a connection error", begun,
             headers(3, simple), continuation(1, MORE), goaway(PROTOCOL_ERROR)),
        Case("http2/6.2/3", "HEADERS of stream 0 is a connection error", headers(0, simple), goaway(PROTOCOL_ERROR)),
        Case("http2/6.2/4", "HEADERS with more padding than payload is a connection error",
             frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, bytes([len(simple) + 2]) + simple), goaway(PROTOCOL_ERROR)),
        Case("http2/6.2/more1", "HEADERS with a priority cut short is a connection error",
             frame(HEADERS, END_STREAM | END_HEADERS | 0x20, 1, b"\0\0\0"), goaway(FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    ]


def priority_and_reset(scheme):
    get = headers(1, block(request(scheme)))
    held = settings((INITIAL_WINDOW_SIZE, 0))
    return [
        Case("http2/6.3/1", "PRIORITY of stream 0 is a connection error", priority(0), goaway(PROTOCOL_ERROR)),
        Case("http2/6.3/2", "PRIORITY of another length than 5 is a stream error", held, get,
             frame(PRIORITY, NONE, 1, b"\x80\0\0\x01"), reset(FRAME_SIZE_ERROR)),
        Case("http2/6.3/3", "PRIORITY of an idle stream does not hinder a request on a lower one", priority(3), get, answered(1)),
        Case("http2/6.4/1", "RST_STREAM of stream 0 is a connection error", rst(0), goaway(PROTOCOL_ERROR)),
        Case("http2/6.4/2", "RST_STREAM of an idle stream is a connection error", rst(1), goaway(PROTOCOL_ERROR)),
        Case("http2/6.4/3", "RST_STREAM of another length than 4 is a connection error", held, get,
             frame(RST_STREAM, NONE, 1, bytes(3)), goaway(FRAME_SIZE_ERROR)),
    ]


def settings_frames(scheme):
    get = headers(1, block(request(scheme)))
    return [
        Case("http2/6.5/1", "SETTINGS with ACK and a payload is a connection error", frame(SETTINGS, ACK, 0, b"\0"),
             goaway(FRAME_SIZE_ERROR)),
        Case("http2/6.5/2", "SETTINGS of a stream is a connection error", settings((3, 100), stream=1), goaway(PROTOCOL_ERROR)),
        Case("http2/6.5/3", "SETTINGS of a length that is no multiple of 6 is a connection error",
             frame(SETTINGS, NONE, 0, b"\0\x03\0\0\0\x64\0\x02\0"), goaway(FRAME_SIZE_ERROR)),
        Case("http2/6.5.2/1", "SETTINGS_ENABLE_PUSH above 1 is a connection error", settings((ENABLE_PUSH, 2)), goaway(PROTOCOL_ERROR)),
        Case("http2/6.5.2/2", "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1 is a connection error", settings((INITIAL_WINDOW_SIZE, 1 << 31)),
             goaway(FLOW_CONTROL_ERROR)),
        Case("http2/6.5.2/3", "SETTINGS_MAX_FRAME_SIZE below 2^14 is a connection error", settings((MAX_FRAME_SIZE, 16383)),
             goaway(PROTOCOL_ERROR)),
        Case("http2/6.5.2/4", "SETTINGS_MAX_FRAME_SIZE above 2^24-1 is a connection error", settings((MAX_FRAME_SIZE, 1 << 24)),
             goaway(PROTOCOL_ERROR)),
        Case("http2/6.5.2/5", "an unknown setting is ignored", settings((0xff, 1)), alive),
        Case("http2/6.5.3/1", "values are taken in their order", settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)),
             acknowledged, get, content(1)),
        Case("http2/6.5.3/2", "SETTINGS is acknowledged", settings((ENABLE_PUSH, 0)), acknowledged),
        Case("http2/6.5.3/more1", "each of several SETTINGS is acknowledged", settings() * 3, acknowledged, acknowledged, acknowledged),
    ]


def ping_comes_back(peer):
    peer.send(ping(b"h2spec\0\0"))
    answer = peer.until("PING", lambda frame: frame.is_(PING))
    assert (answer.flags, answer.payload) == (ACK, b"h2spec\0\0"), answer


def acknowledgements_are_not_answered(peer):
    peer.send(ping(b"invalid\0", ACK))
    ping_comes_back(peer)  # the first that comes


def ping_and_goaway(scheme):
    get = headers(1, block(request(scheme)))
    return [
        Case("http2/6.7/1", "PING comes back as it was", ping_comes_back),
        Case("http2/6.7/2", "PING with ACK is not answered", acknowledgements_are_not_answered),
        Case("http2/6.7/3", "PING of a stream is a connection error", ping(stream=1), goaway(PROTOCOL_ERROR)),
        Case("http2/6.7/4", "PING of another length than 8 is a connection error", ping(bytes(6)), goaway(FRAME_SIZE_ERROR)),
        Case("http2/6.8/1", "GOAWAY of a stream is a connection error", client_goaway(0, stream=1), goaway(PROTOCOL_ERROR)),
        Case("http2/6.8/more1", "GOAWAY cut short is a connection error", frame(GOAWAY, NONE, 0, bytes(7)), goaway(FRAME_SIZE_ERROR)),
        Case("http2/6.8/more2", "after the client's GOAWAY its requests are still answered", settings((INITIAL_WINDOW_SIZE, 0)), get,
             client_goaway(0), settings((INITIAL_WINDOW_SIZE, 65535)), answered(1)),
        Case("http2/7/1", "GOAWAY with an unknown code does nothing special", client_goaway(0, 0xff), alive),
        Case("http2/7/2", "RST_STREAM with an unknown code does nothing special",
             headers(1, block(request(scheme, method="POST")), END_HEADERS), rst(1, 0xff), alive),
    ]


def becomes_negative(peer):
    """A window of 3 is used up and then becomes -1; two more bytes let one through."""
    peer.send(settings((INITIAL_WINDOW_SIZE, 3)))
    acknowledged(peer)
    peer.send(headers(1, block(request(peer.scheme))))
    content(3)(peer)
    peer.send(settings((INITIAL_WINDOW_SIZE, 2)))
    acknowledged(peer)
    peer.send(window_update(1, 2))
    content(1)(peer)


def windows(scheme):
    get = headers(1, block(request(scheme)))
    opened = headers(1, block(request(scheme)), END_HEADERS)
    held = settings((INITIAL_WINDOW_SIZE, 0))
    return [
        Case("http2/6.9/1", "WINDOW_UPDATE of 0 on the connection is a connection error", window_update(0, 0), goaway(PROTOCOL_ERROR)),
        Case("http2/6.9/2", "WINDOW_UPDATE of 0 on a stream is a stream error", held + opened + window_update(1, 0),
             reset(PROTOCOL_ERROR)),
        Case("http2/6.9/3", "WINDOW_UPDATE of another length than 4 is a connection error", frame(WINDOW_UPDATE, NONE, 0, b"\0\0\x01"),
             goaway(FRAME_SIZE_ERROR)),
        Case("http2/6.9.1/1", "no more is sent than the window has", settings((INITIAL_WINDOW_SIZE, 1)), acknowledged, get, content(1)),
        Case("http2/6.9.1/2", "a connection's window above 2^31-1 is a connection error", window_update(0, LARGEST) * 2,
             goaway(FLOW_CONTROL_ERROR)),
        Case("http2/6.9.1/3", "a stream's window above 2^31-1 is a stream error", held + opened + window_update(1, LARGEST) * 2,
             reset(FLOW_CONTROL_ERROR)),
        Case("http2/6.9.2/1", "a changed initial window changes that of the streams", held, acknowledged, get,
             settings((INITIAL_WINDOW_SIZE, 1)), acknowledged, content(1)),
        Case("http2/6.9.2/2", "a window may become negative", becomes_negative),
        Case("http2/6.9.2/3", "an initial window that makes one exceed 2^31-1 is a connection error",
             settings((INITIAL_WINDOW_SIZE, 1 << 31)), goaway(FLOW_CONTROL_ERROR)),
        Case("http2/6.9.2/more1", "also when it is a stream's own", held + opened + window_update(1, LARGEST) +
             settings((INITIAL_WINDOW_SIZE, 1)), goaway(FLOW_CONTROL_ERROR)),
        Case("http2/6.9.2/more2", "SETTINGS changes no connection's window", settings((INITIAL_WINDOW_SIZE, LARGEST)), acknowledged,
             headers(1, block(request(scheme, path="/large.bin"))), the_connection_holds_it),
    ]


def the_connection_holds_it(peer):
    """65,535 bytes and no more, whatever the stream's window is; the PING that comes back says that nothing more was sent."""
    received = 0
    while received < 65535:
        received += len(peer.until("DATA", lambda frame: frame.is_(0, 1)).payload)
    peer.alive()
    assert sum(len(frame.payload) for frame in peer.seen if frame.is_(0)) == 65535, received


def continuations(scheme):
    simple = block(request(scheme))
    begun, whole = headers(1, simple, END_STREAM), headers(1, simple)
    post = headers(1, block(request(scheme, method="POST")), NONE)
    held = settings((INITIAL_WINDOW_SIZE, 0))
    return [
        Case("http2/6.10/1", "several CONTINUATION after HEADERS are taken", begun, continuation(1, MORE, NONE), continuation(1, MORE),
             answered(1)),
        Case("http2/6.10/2", "CONTINUATION and then another frame is a connection error", post, continuation(1, MORE, NONE), data(1),
             goaway(PROTOCOL_ERROR)),
        Case("http2/6.10/3", "CONTINUATION of stream 0 is a connection error", begun, continuation(0, MORE), goaway(PROTOCOL_ERROR)),
        Case("http2/6.10/4", "CONTINUATION after END_HEADERS is a connection error", held, whole, continuation(1, MORE),
             goaway(PROTOCOL_ERROR)),
        Case("http2/6.10/5", "CONTINUATION after one with END_HEADERS is a connection error", held, begun, continuation(1, MORE),
             continuation(1, MORE), goaway(PROTOCOL_ERROR)),
        Case("http2/6.10/6", "CONTINUATION after DATA is a connection error", post, data(1), continuation(1, MORE, NONE),
             continuation(0, MORE), goaway(PROTOCOL_ERROR)),
        Case("http2/6.10/more1", "CONTINUATION of another stream is a connection error", begun, continuation(3, MORE),
             goaway(PROTOCOL_ERROR)),
        Case("http2/6.10/more2", "the end of a block may have an empty CONTINUATION", begun, continuation(1, b""), answered(1)),
    ]
