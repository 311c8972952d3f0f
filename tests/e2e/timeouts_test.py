#!/usr/bin/python3
"""A client that is slow or silent is cut off: protocol-and-limits §2 and §3."""
import socket
import time
import unittest

from messages import read_all, responses
from selvage import Server
from server_case import ServerCase
from waiting import until

GET = b"GET /a.txt HTTP/1.1\r\nHost: example.org\r\n\r\n"
CONFIG = """
[timeouts]
handshake = "1s"
header = "2s"
idle = "2s"
write = "2s"
[[site]]
root = "{root}"
"""


class Slow(ServerCase):
    files = {"a.txt": b"content of a", "big.mp4": b"B" * (48 << 20)}

    @classmethod
    def start(cls):
        return Server(config=CONFIG.format(root=cls.root))

    def until_closed(self, connection, dribble=b"", most=15):
        """What the server said before it closed; meanwhile a byte every fifth of a second."""
        received, end = b"", time.monotonic() + most
        connection.settimeout(0.2)
        while time.monotonic() < end:
            try:
                chunk = connection.recv(65536)
            except TimeoutError:
                try:
                    connection.sendall(dribble[:1])
                except OSError:
                    return received
                dribble = dribble[1:]
                continue
            except OSError:
                return received
            if not chunk:
                return received
            received += chunk
        self.fail(f"not closed in {most} s")

    def test_a_silent_connection_is_closed(self):
        for tls in (False, True):
            with socket.create_connection(("127.0.0.1", self.server.ports["https" if tls else "http"])) as connection:
                self.until_closed(connection)

    def test_a_header_that_dribbles_in_has_a_deadline_in_total(self):
        with self.server.connect() as connection:
            self.assertEqual(responses(self.until_closed(connection, b"GET /a.txt HTTP/1.1\r\nX: " + b"a" * 1000))[0].status, 408)
        self.assertGreater(self.server.metric('limit_hits_total{limit="timeouts.header"}'), 0)

    def test_an_idle_connection_is_closed_after_its_last_answer(self):
        with self.server.connect() as connection:
            connection.sendall(GET)
            self.assertEqual([one.status for one in responses(self.until_closed(connection))], [200])

    def test_a_client_that_takes_nothing_is_cut_off(self):
        with self.server.connect() as connection:
            connection.sendall(GET.replace(b"a.txt", b"big.mp4"))
            hits = 'limit_hits_total{limit="timeouts.write"}'
            until("the limit", lambda: self.server.metric(hits) > 0)
            self.assertLess(len(read_all(connection)), 48 << 20)

    def test_an_idle_http2_connection_is_told_and_closed(self):
        with self.server.connect(tls=True, alpn=["h2"]) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4))
            received = self.until_closed(connection)
            self.assertIn(b"\x00\x00\x08\x07\x00", received)  # GOAWAY


if __name__ == "__main__":
    unittest.main()
