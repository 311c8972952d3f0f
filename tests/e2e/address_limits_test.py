#!/usr/bin/python3
"""What one address may have, and who makes room when there is none: protocol-and-limits §3.

Clients are 127.0.0.2, 127.0.0.3 …; loopback is exempt by default, so the configuration says that nobody is.
"""
import contextlib
import os
import pathlib
import socket
import tempfile
import threading
import time
import unittest

from messages import read_all
from selvage import SANITIZED, Server
from server_case import write
from waiting import DEADLINE, until

GET = b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
BIG = 24 << 20  # more than sockets hold
HITS = 'limit_hits_total{{limit="{}"}}'


def connect(server, source="127.0.0.1", scheme="http", host="127.0.0.1"):
    return socket.create_connection((host, server.ports[scheme]), DEADLINE, source_address=(source, 0))


def is_served(connection):
    """Whether a request is answered; False when the connection was closed instead."""
    try:
        connection.sendall(GET)
        received = b""
        while not received.endswith(b"content of a"):
            chunk = connection.recv(1000)
            if not chunk:
                return False
            received += chunk
        return received.startswith(b"HTTP/1.1 200")
    except (ConnectionResetError, BrokenPipeError):
        return False


class LimitsCase(unittest.TestCase):
    @contextlib.contextmanager
    def serving(self, limits, more="", **options):
        with tempfile.TemporaryDirectory(prefix="selvage-root-") as root, contextlib.ExitStack() as self.visitors:
            write(root, {"a.txt": b"content of a", "big.mp4": b"B" * BIG})
            with Server(config=f'{more}\n[limits]\n{limits}\n[[site]]\nroot = "{root}"\n', **{"workers": 1, **options}) as server:
                yield server
                self.visitors.close()

    def visit(self, server, *arguments, **options):
        return self.visitors.enter_context(connect(server, *arguments, **options))

    def hits(self, server, limit):
        return server.metric(HITS.format(limit))


class AddressLimits(LimitsCase):
    def test_the_257th_connection_of_an_address_is_closed_and_another_address_is_served(self):
        with self.serving("address_exempt = []\naddress_rate = 0", workers=2) as server:
            there = [self.visit(server, "127.0.0.2") for _ in range(256)]
            self.assertTrue(all(is_served(one) for one in there))
            self.assertFalse(is_served(self.visit(server, "127.0.0.2")))
            self.assertEqual(self.hits(server, "limits.address_connections"), 1)
            self.assertTrue(is_served(self.visit(server, "127.0.0.3")))
            self.assertTrue(all(is_served(one) for one in there))
            there[0].close()
            until("its place is free", lambda: is_served(self.visit(server, "127.0.0.2")))

    def test_new_connections_of_an_address_have_a_rate(self):
        with self.serving("address_exempt = []\naddress_rate = 20") as server:
            began = time.monotonic()
            served = sum(is_served(self.visit(server, "127.0.0.2")) for _ in range(60))
            seconds = time.monotonic() - began
            self.assertGreaterEqual(served, 20)
            self.assertLessEqual(served, 20 + 20 * seconds + 1)
            self.assertEqual(self.hits(server, "limits.address_rate"), 60 - served)
            self.assertTrue(is_served(self.visit(server, "127.0.0.3")))
            until("it may come again", lambda: is_served(self.visit(server, "127.0.0.2")))

    def test_loopback_and_whoever_is_exempt_is_not_limited(self):
        with self.serving("address_connections = 2\naddress_rate = 2") as server:
            self.assertTrue(all(is_served(self.visit(server)) for _ in range(20)))
        with self.serving('address_connections = 2\naddress_exempt = ["127.0.0.2/31"]') as server:
            self.assertTrue(all(is_served(self.visit(server, "127.0.0.3")) for _ in range(20)))
            self.assertEqual([is_served(self.visit(server, "127.0.0.4")) for _ in range(3)], [True, True, False])

    def test_the_admin_listener_has_no_limits_by_address(self):
        with self.serving("address_exempt = []\naddress_connections = 1\naddress_rate = 1") as server:
            self.assertEqual([server.admin("/healthz").status for _ in range(20)], [200] * 20)

    def test_a_reload_changes_them(self):
        with self.serving("address_exempt = []\naddress_connections = 2") as server:
            self.assertEqual([is_served(self.visit(server, "127.0.0.2")) for _ in range(3)], [True, True, False])
            server.config.write_text(server.config.read_text().replace("address_connections = 2", "address_connections = 4"))
            self.assertEqual(server.admin("/reload", "POST").status, 200)
            self.assertEqual([is_served(self.visit(server, "127.0.0.2")) for _ in range(3)], [True, True, False])

    def test_a_flood_from_one_address_does_not_keep_another_from_its_answers(self):
        with self.serving("address_exempt = []") as server:
            ended = threading.Event()

            def flood():
                while not ended.is_set():
                    with contextlib.suppress(OSError):
                        connect(server, "127.0.0.2").close()
            floods = [threading.Thread(target=flood) for _ in range(3)]
            for one in floods:
                one.start()
            until("the flood is at its limit", lambda: self.hits(server, "limits.address_rate") > 100)
            other = self.visit(server, "127.0.0.3")
            answered = sum(is_served(other) for _ in range(200))
            fresh = sum(is_served(self.visit(server, "127.0.0.3")) for _ in range(20))
            ended.set()
            for one in floods:
                one.join()
            self.assertEqual((answered, fresh), (200, 20))

    def test_an_ipv6_client_is_limited_too(self):
        with self.serving("address_exempt = []\naddress_connections = 2") as server:
            try:
                probe = socket.create_server(("::1", 0), family=socket.AF_INET6)
            except OSError:
                self.skipTest("no IPv6 on this machine")
            probe.close()
        with self.serving("address_exempt = []\naddress_connections = 2", arguments=["--listen", "http://[::1]:0"]) as server:
            port = until("the port", lambda: [line.rpartition(":")[2] for line in server.announced if "http://[::1]" in line])
            server.ports["http6"] = int(port[0])
            served = [is_served(self.visit(server, "::1", scheme="http6", host="::1")) for _ in range(3)]
            self.assertEqual(served, [True, True, False])


class MakingRoom(LimitsCase):
    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4)

    def test_at_the_limit_the_one_idle_longest_leaves_with_goaway_and_a_download_goes_on(self):
        with self.serving("connections = 20") as server:
            download = self.visit(server)
            download.sendall(b"GET /big.mp4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            received = len(download.recv(1000))
            oldest = self.visit(server)
            oldest.sendall(self.PREFACE)
            self.assertTrue(oldest.recv(9))  # SETTINGS
            time_between(server)
            others = [self.visit(server) for _ in range(18)]
            self.assertTrue(all(is_served(one) for one in others))
            self.assertEqual(self.hits(server, "limits.connections.shed"), 0)
            self.assertTrue(is_served(self.visit(server)))
            self.assertEqual(self.hits(server, "limits.connections.shed"), 1)
            self.assertIn(b"\x00\x00\x08\x07\x00", read_all(oldest))  # GOAWAY, then the end
            self.assertTrue(all(is_served(one) for one in others))
            while chunk := download.recv(1 << 20):
                received += len(chunk)
            self.assertGreater(received, BIG)

    def test_in_the_order_in_which_they_were_last_used(self):
        with self.serving("connections = 4") as server:
            there = []
            for _ in range(4):
                there.append(self.visit(server))
                self.assertTrue(is_served(there[-1]))
                time_between(server)
            self.assertTrue(is_served(there[0]))  # not the oldest any more
            for gone in (1, 2, 3):
                time_between(server)
                self.assertTrue(is_served(self.visit(server)))
                self.assertEqual(there[gone].recv(1), b"")
            self.assertTrue(is_served(there[0]))

    def test_when_nobody_is_idle_the_new_one_is_turned_away(self):
        with self.serving("connections = 3") as server:
            for _ in range(3):
                busy = self.visit(server)
                busy.sendall(b"GET /big.mp4 HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertTrue(busy.recv(100))
            self.assertFalse(is_served(self.visit(server)))
            self.assertEqual(self.hits(server, "limits.connections"), 1)
            self.assertEqual(self.hits(server, "limits.connections.shed"), 0)
            self.assertEqual(server.admin("/healthz").status, 200)

    def test_silent_connections_cannot_keep_anybody_out(self):
        with self.serving("connections = 40", workers=2) as server:
            for _ in range(200):
                self.visit(server)
            self.assertTrue(all(is_served(self.visit(server)) for _ in range(50)))
            self.assertLessEqual(server.metric("connections_open"), 40 + 2 * 16 + 1)

    def test_a_reload_lowers_the_limit(self):
        with self.serving("connections = 100") as server:
            for _ in range(90):
                self.assertTrue(is_served(self.visit(server)))
            server.config.write_text(server.config.read_text().replace("connections = 100", "connections = 10"))
            self.assertEqual(server.admin("/reload", "POST").status, 200)
            self.assertTrue(is_served(self.visit(server)))
            until("the others have left", lambda: server.metric("connections_open") <= 11)


@unittest.skipIf(SANITIZED, "without a descriptor for a pipe, UBSan's vptr check takes every object for a wrong one")
class Descriptors(LimitsCase):
    def test_without_descriptors_the_idle_ones_make_room(self):
        with self.serving("connections = 1000", descriptors=(150, 150)) as server:
            busy = self.visit(server)
            busy.sendall(b"GET /big.mp4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            received = len(busy.recv(1000))
            for _ in range(300):
                self.visit(server)
            self.assertTrue(is_served(self.visit(server)))
            self.assertEqual(server.admin("/healthz").status, 200)
            self.assertGreater(self.hits(server, "descriptors"), 0)
            self.assertGreater(self.hits(server, "limits.connections.shed"), 100)
            while chunk := busy.recv(1 << 20):
                received += len(chunk)
            self.assertGreater(received, BIG)

    def test_the_admin_listener_gets_a_descriptor_from_the_others(self):
        with self.serving("connections = 1000", descriptors=(100, 100)) as server:
            self.assertEqual(server.admin("/healthz").status, 200)
            folder = pathlib.Path(f"/proc/{server.process.pid}/fd")
            for _ in range(100):
                self.assertTrue(is_served(self.visit(server)))
                if len(os.listdir(folder)) == 100:
                    break
            self.assertEqual(len(os.listdir(folder)), 100)
            self.assertEqual(server.admin("/healthz").status, 200)
            self.assertGreater(self.hits(server, "limits.connections.shed"), 0)
            self.assertTrue(is_served(self.visit(server)))


def time_between(server):
    """A turn of the server's clock, which counts milliseconds: two answers of its admin listener are further apart."""
    server.admin("/healthz")


if __name__ == "__main__":
    unittest.main()
