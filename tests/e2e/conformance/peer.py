"""A client that speaks HTTP/2 frame by frame, or HTTP/1.1 byte by byte, and says what came back. It waits for frames and for the end,
never for a time; what has not come after DEADLINE will not."""
import socket
import ssl
import time

import hpack

from conformance import frames
from conformance.frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, NAMES, NO_ERROR, PING, PREFACE, RST_STREAM,
                                SETTINGS, settings)
from messages import Response

DEADLINE = 10


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def is_(self, kind, stream=None):
        return self.kind == kind and stream in (None, self.stream)

    def code(self):
        """The error code of a RST_STREAM or GOAWAY."""
        return int.from_bytes(self.payload[4:8] if self.kind == GOAWAY else self.payload[:4], "big")

    def __repr__(self):
        return f"{NAMES.get(self.kind, hex(self.kind))}(flags={self.flags:#x}, stream={self.stream}, {self.payload[:24].hex(' ')})"


class Peer:
    """One connection. `seen` is all that came, for the report of a failure.

    `deliberate`: a frame is sent only when the server has done with the one before, so that no case depends on what comes in one read.
    """

    def __init__(self, server, tls, alpn=("h2",), deliberate=False):
        self.scheme = "https" if tls else "http"
        self.socket = server.connect(tls, list(alpn), timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input, self.seen, self.closed = b"", [], False
        self.fields = hpack.Decoder()
        self.settings = {}
        self.deliberate, self.greeted, self.kept = deliberate, False, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        whole = b"".join(parts)
        if not (self.deliberate and self.greeted):
            return self._write(whole)
        for piece in frames.each(whole):
            self._write(piece)
            if piece[3] not in (HEADERS, CONTINUATION) or piece[4] & END_HEADERS:
                self._has_done()

    def _has_done(self):
        """Waits until the server has read what was sent; what it says meanwhile is kept for `next`."""
        self._write(frames.ping(b"has done"))
        while frame := self._take():
            if frame.is_(PING) and frame.payload == b"has done":
                return
            self.kept.append(frame)

    def _write(self, whole):
        try:
            self.socket.sendall(whole)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # the server has had enough; what it said before is still to be read

    def greet(self, *more):
        """The preface, and both sides' settings acknowledged (RFC 9113 §3.4)."""
        self.send(PREFACE, settings(*more))
        first = self.next()
        assert first is not None and first.is_(SETTINGS) and not first.flags & ACK, f"the server begins with {first}"
        self.settings = {int.from_bytes(first.payload[i:i + 2], "big"): int.from_bytes(first.payload[i + 2:i + 6], "big")
                         for i in range(0, len(first.payload), 6)}
        self.send(settings(flags=ACK))
        self.until("SETTINGS with ACK", lambda frame: frame.is_(SETTINGS) and frame.flags & ACK)
        self.greeted = True

    def _read(self, size):
        while len(self.input) < size:
            try:
                chunk = self.socket.recv(65536)
            except TimeoutError:
                raise AssertionError(f"nothing more in {DEADLINE} s after {self.seen}") from None
            except (ConnectionResetError, ssl.SSLError, OSError):
                chunk = b""
            if not chunk:
                self.closed = True
                return None
            self.input += chunk
        piece, self.input = self.input[:size], self.input[size:]
        return piece

    def next(self):
        """The next frame; None at the end of the connection."""
        frame = self.kept.pop(0) if self.kept else self._take()
        if frame:
            self.seen.append(frame)
        return frame

    def _take(self):
        head = self._read(9)
        payload = self._read(int.from_bytes(head[:3], "big")) if head else None
        if payload is None:
            return None
        frame = Frame(head[3], head[4], int.from_bytes(head[5:], "big") & 0x7fff_ffff, payload)
        frame.fields = self.fields.decode(payload) if frame.is_(HEADERS) else []  # all of them: it keeps the table current
        return frame

    def until(self, what, is_it):
        """The first frame that is it; what comes before is passed over."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            frame = self.next()
            if frame is None:
                raise AssertionError(f"closed before {what}: {self.seen}")
            if is_it(frame):
                return frame
        raise AssertionError(f"no {what} in {DEADLINE} s: {self.seen}")

    def until_closed(self):
        """All frames to the end of the connection."""
        while self.next() is not None:
            pass
        return self.seen

    def exchange(self, stream, frame=None):
        """The whole response on a stream; `frame` when its first one has been taken already."""
        fields, body = [], b""
        while True:
            frame = frame or self.until(f"response on stream {stream}", lambda one: one.stream == stream or one.is_(GOAWAY))
            assert frame.kind in (HEADERS, DATA), f"{frame} instead of a response: {self.seen}"
            fields, body = fields or frame.fields, body + (frame.payload if frame.is_(DATA) else b"")
            if frame.flags & END_STREAM:
                return Response(int(dict(fields)[":status"]), [field for field in fields if not field[0].startswith(":")], body, "2")
            frame = None

    def alive(self):
        """The connection goes on: a PING comes back, and nothing ended it before."""
        self.send(frames.ping(b"alive??!"))
        self.until("PING with ACK", lambda frame: frame.is_(PING) and frame.payload == b"alive??!")
        ends = [frame for frame in self.seen if frame.is_(GOAWAY)]
        assert not ends, f"the connection is ending: {self.seen}"


# What a case may expect: functions of the peer.

def ends(frame):
    """GOAWAY, or RST_STREAM; not one that says that the rest of an answered request is not wanted (RFC 9113 §8.1)."""
    return frame.is_(GOAWAY) or (frame.is_(RST_STREAM) and frame.code() != NO_ERROR)


def goaway(*codes):
    """A connection error: GOAWAY with one of the codes, and then the end (RFC 9113 §5.4.1)."""
    def expect(peer):
        frame = peer.until(f"GOAWAY({codes})", lambda frame: frame.is_(GOAWAY))
        assert frame.code() in codes, f"GOAWAY({frame.code()}) instead of {codes}: {peer.seen}"
        peer.until_closed()
    return expect


def reset(*codes, stream=1):
    """A stream error: RST_STREAM with one of the codes, while the connection goes on (RFC 9113 §5.4.2)."""
    def expect(peer):
        frame = peer.until(f"RST_STREAM({codes}) of {stream}", lambda frame: ends(frame) and frame.stream in (stream, 0))
        assert frame.is_(RST_STREAM) and frame.code() in codes, f"{frame} instead of RST_STREAM({codes}): {peer.seen}"
        peer.alive()
    return expect


def either(*expectations):
    """One of several: where the RFC leaves a choice between a connection error and a stream error."""
    def expect(peer):
        frame = peer.until("RST_STREAM or GOAWAY", ends)
        assert (frame.kind, frame.code()) in expectations, f"{frame} instead of {expectations}: {peer.seen}"
        peer.until_closed() if frame.is_(GOAWAY) else peer.alive()
    return expect


def answered(stream=1, status=200):
    def expect(peer):
        response = peer.exchange(stream)
        assert response.status == status, f"{response} instead of {status}"
    return expect


def head(stream=1):
    """The response's head; its content may be held back by a window."""
    return lambda peer: peer.until(f"HEADERS of {stream}", lambda frame: frame.is_(HEADERS, stream))


def content(size, stream=1):
    """One DATA frame of exactly so many bytes."""
    def expect(peer):
        frame = peer.until(f"DATA of {stream}", lambda frame: frame.is_(DATA, stream) and frame.payload)
        assert len(frame.payload) == size, f"{len(frame.payload)} bytes instead of {size}: {peer.seen}"
    return expect


def acknowledged(peer):
    peer.until("SETTINGS with ACK", lambda frame: frame.is_(SETTINGS) and frame.flags & ACK)


def alive(peer):
    peer.alive()


def closed(peer):
    peer.until_closed()
