"""The second client: asks for a small file over HTTP/2 and TLS, one request at a time, and notes how long each answer took."""
import socket
import ssl
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, SETTINGS, GOAWAY = 1, 4, 7  # RFC 9113 §6
END_STREAM = 1
REQUESTS_PER_CONNECTION = 9_000  # http2.requests is 10,000
PAUSE = 0.002  # seconds between two requests: the attacker, who has the same core, is to have most of it
HTTP2 = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
HTTP2.check_hostname, HTTP2.verify_mode = False, ssl.CERT_NONE
HTTP2.set_alpn_protocols(["h2"])


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Witness:
    """`address`: where it comes from."""

    def __init__(self, server, path="/small.css", address="127.0.0.3"):
        self.server, self.path, self.address = server, path.encode(), address
        self.connect()

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.server.ports["https"]), 20, (self.address, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = HTTP2.wrap_socket(plain)
        self.connection.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(8, 0, 0, (0x7fff0000).to_bytes(4, "big")))
        self.stream, self.rest = 1, b""

    def close(self):
        self.connection.close()

    def ask(self):
        """Seconds until the last byte of the answer."""
        block = b"\x82\x87\x04" + bytes([len(self.path)]) + self.path + b"\x01\x09127.0.0.1"
        began = time.perf_counter()
        self.connection.sendall(frame(HEADERS, 5, self.stream, block))
        while not self.answered():
            chunk = self.connection.recv(65536)
            if not chunk:
                raise OSError("the witness's connection was closed")
            self.rest += chunk
        took = time.perf_counter() - began
        self.stream += 2
        if self.stream > 2 * REQUESTS_PER_CONNECTION:
            self.close()
            self.connect()
        return took

    def answered(self):
        """Takes whole frames; true at the end of the stream that was asked for."""
        while len(self.rest) >= 9:
            size = 9 + int.from_bytes(self.rest[:3], "big")
            if len(self.rest) < size:
                return False
            kind, flags, stream = self.rest[3], self.rest[4], int.from_bytes(self.rest[5:9], "big")
            self.rest = self.rest[size:]
            if kind == SETTINGS and not flags:
                self.connection.sendall(frame(SETTINGS, 1, 0))
            if kind == GOAWAY:
                raise OSError("the witness was told to go away")
            if kind in (0, HEADERS) and flags & END_STREAM and stream == self.stream:
                return True
        return False

    def watch(self, seconds):
        """How long each answer took, for so long."""
        until, took = time.monotonic() + seconds, []
        while not took or time.monotonic() < until:
            took.append(self.ask())
            time.sleep(PAUSE)
        return took
