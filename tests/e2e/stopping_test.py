#!/usr/bin/python3
"""How it ends: what is under way is finished, nothing new is taken, and there is a deadline."""
import re
import signal
import struct
import subprocess
import tempfile
import unittest

from messages import read_all
from selvage import Server
from server_case import write
from waiting import DEADLINE, until

BIG = 48 << 20  # more than sockets and pipes hold


class Stopping(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-root-")
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name
        write(self.root, {"big.mp4": b"A" * BIG, "small.txt": b"small"})

    def refused(self, server):
        try:
            server.connect().close()
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it came in the instant in which the listener closed
            return True
        return False

    def test_a_signal_drains_what_is_under_way_and_takes_nothing_new(self):
        for number, protocol in ((signal.SIGTERM, "h2"), (signal.SIGINT, "https/1.1"), (signal.SIGTERM, "http/1.1")):
            server = Server(self.root)
            options = ["--http2"] if protocol == "h2" else ["--http1.1"]
            client = subprocess.Popen(["curl", "-sSkN", *options, server.url("/big.mp4", protocol)], stdout=subprocess.PIPE)
            size = len(client.stdout.read(1000))
            server.send(number)
            until("new connections are refused", lambda: self.refused(server))
            self.assertIsNone(server.process.poll())
            size += len(client.stdout.read())
            client.stdout.close()
            self.assertEqual((client.wait(DEADLINE), size), (0, BIG), protocol)
            server.stop(None)

    def test_idle_connections_do_not_hold_it(self):
        server = Server(self.root)
        idle = [server.connect(), server.connect(tls=True, alpn=["http/1.1"])]
        idle[1].sendall(b"GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(idle[1].recv(100).startswith(b"HTTP/1.1 200"))
        server.stop()
        for connection in idle:
            connection.close()

    def test_nghttp_sees_the_goaway_and_its_download_to_the_end(self):
        server = Server(self.root)
        client = subprocess.Popen(["nghttp", "-nv", server.url("/big.mp4")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output = client.stdout.read(4000)  # then it waits for us, with some of the file still to come
        server.send(signal.SIGTERM)
        until("it drains", lambda: "draining" in server.log())
        output += client.stdout.read()
        client.stdout.close()
        client.wait(DEADLINE)
        server.stop(None)
        self.assertIn(b"recv GOAWAY frame", output)
        received = sum(int(length) for length in re.findall(rb"recv DATA frame <length=(\d+)",
                                                            re.sub(rb"\x1b\[[0-9;]*m", b"", output)))
        self.assertEqual(received, BIG)

    def test_goaway_comes_in_two_steps(self):  # RFC 9113 §6.8
        server = Server(self.root)
        connection = server.connect(tls=True, alpn=["h2"])
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4) + bytes(3) + b"\x04\x01"
                           + bytes(4))
        frames = self.frames(connection)
        next(frame for frame in frames if frame[0] == 4 and frame[1] & 1)  # our SETTINGS are acknowledged
        server.send(signal.SIGTERM)
        goaways = []
        for kind, flags, payload in frames:
            if kind == 6 and not flags & 1:
                connection.sendall(b"\x00\x00\x08\x06\x01" + bytes(4) + payload)
            if kind == 7:
                goaways.append(struct.unpack(">II", payload[:8]))
        connection.close()
        server.stop(None)
        self.assertEqual(goaways, [(0x7fffffff, 0), (0, 0)])

    def frames(self, connection):
        """(type, flags, payload) of each frame until the connection ends."""
        with connection.makefile("rb") as file:
            while len(head := file.read(9)) == 9:
                yield head[3], head[4], file.read(int.from_bytes(head[:3], "big"))

    def test_a_client_that_takes_nothing_is_cut_off_at_the_deadline(self):
        server = Server(config=f'[server]\ndrain_timeout = "1s"\n[[site]]\nroot = "{self.root}"\n')
        connection = server.connect()
        connection.sendall(b"GET /big.mp4 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(1)
        server.stop()
        self.assertLess(len(read_all(connection)), BIG)
        connection.close()


if __name__ == "__main__":
    unittest.main()
