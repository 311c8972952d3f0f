#!/usr/bin/python3
"""Behind a balancer: the PROXY protocol, versions 1 and 2, from those who are trusted with it.

127.0.0.2 is a balancer, everybody else is not.
"""
import contextlib
import json
import socket
import ssl
import struct
import tempfile
import unittest

from messages import read_all
from selvage import Server
from server_case import ServerCase
from waiting import DEADLINE, until

GET = b"GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CONFIG = """
[server]
proxy_protocol = ["127.0.0.2"]
access_log = "{log}"
[timeouts]
handshake = "2s"
[limits]
address_exempt = []
address_connections = 3
[[site]]
root = "{root}"
"""


def v1(client):
    family = "TCP6" if ":" in client else "TCP4"
    return f"PROXY {family} {client} {'::1' if ':' in client else '127.0.0.1'} 40000 443\r\n".encode()


def v2(client, command=0x21, more=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    addresses = socket.inet_pton(family, client) * 2 + struct.pack(">HH", 40000, 443) + more
    return SIGNATURE + bytes([command, 0x21 if ":" in client else 0x11]) + struct.pack(">H", len(addresses)) + addresses


class ProxyProtocol(ServerCase):
    files = {"a.txt": b"content of a"}

    @classmethod
    def start(cls):
        cls.log = cls.root.with_suffix(".log")
        cls.addClassCleanup(cls.log.unlink, missing_ok=True)
        return Server(config=CONFIG.format(root=cls.root, log=cls.log))

    @contextlib.contextmanager
    def connected(self, header, source="127.0.0.2", tls=False, alone=False):
        """A connection of the balancer, on which the header was said: at once, or each byte `alone`."""
        port = self.server.ports["https" if tls else "http"]
        with socket.create_connection(("127.0.0.1", port), DEADLINE, source_address=(source, 0)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in [header[i:i + 1] for i in range(len(header))] if alone else [header]:
                connection.sendall(piece)
            if not tls:
                yield connection
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(connection) as secure:
                yield secure

    def ask(self, header, request=GET, **options):
        """All that is answered to a request behind the header."""
        with self.connected(header, **options) as connection:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(request)
            return read_all(connection)

    def logged(self, target):
        """The client of the request for a target that nothing else asks for."""
        def found():
            lines = [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
            return [line["client"] for line in lines if line["target"] == target]
        return until("the line", found)[0]

    def hits(self, limit):
        return self.server.metric(f'limit_hits_total{{limit="{limit}"}}')

    def assert_client(self, client, target, header, **options):
        answer = self.ask(header, GET.replace(b"/a.txt", target.encode()), **options)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
        self.assertEqual(self.logged(target), client)

    def test_the_client_is_the_one_that_the_balancer_names(self):
        for number, client in enumerate(("192.0.2.1", "2001:db8::1")):
            for version in (v1, v2):
                for tls in (False, True):
                    with self.subTest(client=client, version=version.__name__, tls=tls):
                        self.assert_client(client, f"/a.txt?{number}{version.__name__}{tls}", version(client), tls=tls)

    def test_however_the_header_is_split(self):
        for version in (v1, v2):
            for tls in (False, True):
                with self.subTest(version=version.__name__, tls=tls):
                    self.assert_client("192.0.2.7", f"/a.txt?split{version.__name__}{tls}", version("192.0.2.7"), tls=tls, alone=True)

    def test_header_and_request_may_come_in_one_packet(self):
        self.assertTrue(self.ask(b"", v1("192.0.2.8") + GET).startswith(b"HTTP/1.1 200"))
        self.assertTrue(self.ask(b"", v2("192.0.2.8", more=b"\x04\x00\x02ab") + GET).startswith(b"HTTP/1.1 200"))

    def test_the_balancer_may_speak_for_itself(self):
        self.assert_client("127.0.0.2", "/a.txt?local", v2("192.0.2.9", command=0x20))
        self.assert_client("127.0.0.2", "/a.txt?unknown", b"PROXY UNKNOWN\r\n")

    def test_http2_behind_it(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4)
        with self.connected(v2("192.0.2.10")) as connection:
            connection.sendall(preface)
            self.assertEqual(connection.recv(9)[3], 4)  # SETTINGS

    def test_a_trusted_address_without_a_header_is_shown_the_door(self):
        for said in (GET, b"PROXY nonsense\r\n" + GET, v1("192.0.2.1").replace(b"TCP4", b"TCP6") + GET,
                     v2("192.0.2.1", command=0x25) + GET, b"PROXY " + b"x" * 200):
            before = self.hits("server.proxy_protocol")
            self.assertEqual(self.ask(b"", said), b"", said)
            self.assertEqual(self.hits("server.proxy_protocol"), before + 1, said)
        with self.assertRaises(OSError):
            with self.connected(b"", tls=True):
                pass

    def test_a_header_that_does_not_end_has_a_deadline(self):
        before = self.hits("server.proxy_protocol")
        self.assertEqual(self.ask(b"PROXY TCP4", b""), b"")
        self.assertEqual(self.hits("server.proxy_protocol"), before + 1)

    def test_from_anybody_else_it_is_a_bad_request(self):
        self.assertTrue(self.ask(v1("192.0.2.11"), source="127.0.0.3").startswith(b"HTTP/1.1 400"))
        self.assertFalse(self.ask(v2("192.0.2.11"), source="127.0.0.3").startswith(b"HTTP/1.1 200"))
        with self.assertRaises(OSError):
            with self.connected(v1("192.0.2.11"), source="127.0.0.3", tls=True):
                pass

    def test_limits_are_those_of_the_client_not_of_the_balancer(self):
        with contextlib.ExitStack() as visitors:
            def visit(client):
                connection = visitors.enter_context(self.connected(v1(client)))
                try:
                    connection.sendall(GET.replace(b"Connection: close\r\n", b""))
                    return connection.recv(100).startswith(b"HTTP/1.1 200")
                except OSError:
                    return False
            self.assertEqual([visit("192.0.2.12") for _ in range(4)], [True, True, True, False])
            self.assertEqual(self.hits("limits.address_connections"), 1)
            self.assertTrue(visit("192.0.2.13"))
            self.assertTrue(all(visit("2001:db8:0:1::" + str(i)) for i in range(1, 4)))
            self.assertFalse(visit("2001:db8:0:1:ffff::"))  # of one /64
            self.assertTrue(visit("2001:db8:0:2::1"))
        until("all have left", lambda: self.server.metric("connections_open") <= 1)
        self.assertTrue(self.ask(v1("192.0.2.12")).startswith(b"HTTP/1.1 200"))


class Reloaded(unittest.TestCase):
    def test_a_balancer_is_trusted_from_the_reload_on(self):
        with contextlib.ExitStack() as stack:
            root = stack.enter_context(tempfile.TemporaryDirectory(prefix="selvage-root-"))
            server = stack.enter_context(Server(config=f'[[site]]\nroot = "{root}"\n'))
            self.assertTrue(server.raw(v1("192.0.2.1") + GET).startswith(b"HTTP/1.1 400"))
            server.config.write_text('[server]\nproxy_protocol = ["127.0.0.0/8"]\n' + server.config.read_text())
            self.assertEqual(server.admin("/reload", "POST").status, 200)
            self.assertTrue(server.raw(v1("192.0.2.1") + GET).startswith(b"HTTP/1.1 404"))


if __name__ == "__main__":
    unittest.main()
