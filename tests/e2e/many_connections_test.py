#!/usr/bin/python3
"""Ten thousand visitors at once, by one process with one loop; and what is said and done where they do not fit."""
import contextlib
import os
import pathlib
import resource
import subprocess
import tempfile
import time
import unittest

from selvage import PROGRAM, SANITIZED, Server
from server_case import write
from waiting import DEADLINE, until

CONNECTIONS = 2_000 if SANITIZED else 10_000
BIG = 24 << 20  # more than sockets hold
CROWD = os.environ.get("SELVAGE_CROWD") or pathlib.Path(PROGRAM).with_name("e2e_crowd")
ALLOWED = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # descriptors of one process


class Crowd:
    """`e2e_crowd`, all of whose connections ask once for each go(): see crowd.cc."""

    def __init__(self, server):
        self.process = subprocess.Popen([CROWD, str(server.ports["https"]), str(CONNECTIONS), "/a.css"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate(timeout=DEADLINE)

    def go(self):
        """Seconds until all were answered, each with 200."""
        began = time.monotonic()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said == f"answered {CONNECTIONS}\n", said + self.process.stderr.read()
        return time.monotonic() - began


class ManyConnections(unittest.TestCase):
    @contextlib.contextmanager
    def serving(self, limits="", descriptors=None):
        """A server of one loop with one small file."""
        with tempfile.TemporaryDirectory(prefix="selvage-root-") as root:
            write(root, {"a.css": b"a { color: red }" * 60, "big.mp4": b"B" * BIG})
            with Server(config=f'[limits]\n{limits}\n[[site]]\nroot = "{root}"\n', workers=1, descriptors=descriptors) as server:
                yield server

    def assert_well(self, server):
        for page in ("/healthz", "/readyz"):
            self.assertEqual(server.admin(page).status, 200)
        self.assertEqual(server.get("/a.css").status, 200)

    @staticmethod
    def memory(server):
        """KiB in the process's own pages."""
        lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))

    def test_idle_ones_are_kept_and_all_of_them_are_answered_when_they_ask_again(self):
        if ALLOWED < CONNECTIONS + 500:
            self.skipTest(f"a process may open {ALLOWED} files here, {CONNECTIONS + 500} are needed: raise `ulimit -Hn`")
        with self.serving(f"connections = {CONNECTIONS + 10}", descriptors=(256, ALLOWED)) as server, Crowd(server) as crowd:
            self.assert_well(server)
            before = self.memory(server)
            opened = crowd.go()
            self.assertEqual(server.metric("connections_open"), CONNECTIONS + 1)  # and the one that asks for the metrics
            self.assert_well(server)
            idle = self.memory(server)
            answered = crowd.go()
            print(f"\n{CONNECTIONS} connections: opened and answered in {opened:.1f} s, {(idle - before) / CONNECTIONS:.1f} KiB each; "
                  f"answered again in {answered:.1f} s, {(self.memory(server) - before) / CONNECTIONS:.1f} KiB each")
            self.assertEqual(server.metric("connections_open"), CONNECTIONS + 1)
            self.assertEqual(server.metric('requests_total{protocol="h2",status="200",cache="hit"}'), 2 * CONNECTIONS + 2)
            self.assertEqual(server.metric("limit_hits_total"), 0)
            self.assert_well(server)
        until("all have gone", lambda: crowd.process.poll() == 0)

    def test_the_limit_is_raised_to_what_the_system_allows(self):
        with self.serving(descriptors=(256, 5_000)) as server:
            lines = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
            [soft, hard] = next(line.split()[3:5] for line in lines if line.startswith("Max open files"))
            self.assertEqual((soft, hard), ("5000", "5000"))
            self.assertNotIn("descriptors", server.log())

    def test_it_is_said_when_the_connections_do_not_fit(self):
        with self.serving(descriptors=(256, 300)) as server:
            self.assertIn("only 300 descriptors are allowed", server.log())
        with self.serving("connections = 10_000", descriptors=(256, 5_000)) as server:
            self.assertIn("limits.connections is 10000, but only 5000 descriptors are allowed", server.log())

    def test_more_connections_than_descriptors_harm_nobody_who_is_busy(self):
        with self.serving(descriptors=(300, 300)) as server, contextlib.ExitStack() as visitors:
            busy = visitors.enter_context(server.connect())
            busy.sendall(b"GET /big.mp4 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(busy.recv(100).startswith(b"HTTP/1.1 200"))
            for _ in range(400):
                visitors.enter_context(server.connect())
            until("the idle ones made room", lambda: server.metric('limit_hits_total{limit="limits.connections.shed"}') > 100)
            self.assertEqual(server.admin("/healthz").status, 200)
            self.assert_well(server)
            received = 100
            while chunk := busy.recv(1 << 20):
                received += len(chunk)
                if received > BIG:
                    break
            self.assertGreater(received, BIG)
            visitors.close()
            until("there is room again", lambda: server.metric("connections_open") < 10)
            self.assert_well(server)


if __name__ == "__main__":
    unittest.main()
