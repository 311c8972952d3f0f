"""A client behind a slow line: one HTTP/2 connection over TLS that takes so many bytes a second and keeps little back.

What a browser does: windows far larger than the line needs, so that nothing but the server decides what is sent first.
"""
import select
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

from waiting import DEADLINE

CONNECTION_WINDOW, STREAM_WINDOW = 15 << 20, 6 << 20  # Chromium's
RECEIVE_BUFFER = 16 << 10  # the kernel takes twice as much
PIECE = 4096


class Fetched:
    """One response: when it was asked for, when its first and last byte came: seconds, and bytes of content on the connection."""

    def __init__(self, path, moment):
        self.path, self.asked, self.first, self.last, self.size = path, moment, None, None, 0

    def waited(self):
        """Seconds from the request to the last byte."""
        return self.last[0] - self.asked[0]

    def overtaken_by(self):
        """Bytes of others that came between the request and the last byte."""
        return self.last[1] - self.asked[1] - self.size

    def __str__(self):
        moments = " ".join(f"{name} {moment[0]:6.2f} s at {moment[1] >> 10:5} KiB" for name, moment in
                           (("asked", self.asked), ("first", self.first), ("last", self.last)) if moment)
        return f"{self.path:12} {moments}"


class PacedClient:
    def __init__(self, server, bytes_per_second):
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)  # before connecting: it decides the window's scale
        plain.settimeout(DEADLINE)
        plain.connect(("127.0.0.1", server.ports["https"]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(plain)
        self.rate, self.taken, self.began = bytes_per_second, 0, time.monotonic()
        self.streams, self.received = {}, 0
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.local_settings = h2.settings.Settings(
            client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW})
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(CONNECTION_WINDOW - 65535)
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def moment(self):
        return time.monotonic() - self.began, self.received

    def get(self, path, priority=None):
        """Asks, and returns what will be filled in while `until` takes bytes."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", "GET"), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", path)]
        self.h2.send_headers(stream, fields + ([("priority", priority)] if priority else []), end_stream=True)
        self.flush()
        self.streams[stream] = Fetched(path, self.moment())
        return self.streams[stream]

    def update_priority(self, fetched, priority):
        """PRIORITY_UPDATE for a request under way: RFC 9218 §7.1."""
        [stream] = [number for number, each in self.streams.items() if each is fetched]
        payload = stream.to_bytes(4, "big") + priority.encode()
        self.socket.sendall(len(payload).to_bytes(3, "big") + b"\x10\0" + bytes(4) + payload)

    def until(self, condition):
        """Takes bytes at the pace of the line until the condition holds."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, "the answers do not come"
            ahead = self.taken / self.rate - (time.monotonic() - self.began)
            if ahead > 0:
                select.select([], [], [], ahead)  # the line is busy
            data = self.socket.recv(PIECE)
            assert data, "the connection ended"
            self.taken += len(data)
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()

    def take(self, event):
        if isinstance(event, h2.events.DataReceived):
            fetched = self.streams[event.stream_id]
            fetched.first = fetched.first or self.moment()
            self.received += len(event.data)
            fetched.size += len(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.streams[event.stream_id].last = self.moment()
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise AssertionError(event)
