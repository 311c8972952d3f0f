#!/usr/bin/python3
"""What the server asks of the kernel while it answers from memory: to read, to write and to wait, and that for many requests at once."""
import collections
import pathlib
import re
import subprocess
import unittest

from selvage import SANITIZED, Server
from server_case import ServerCase
from waiting import DEADLINE, until

REQUESTS, STREAMS = 10_000, 32
PER_BATCH = {"read", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg", "epoll_wait", "epoll_pwait"}
# Wakes the thread that writes the access log, about every thousand lines.
LOG_WAKES = "futex"
# The alarm of the loop's next timer, about once a second.
ALARM = "timerfd_settime"
# The allocator, when more is needed than ever before: the access log, whose thread is traced too and falls behind, holds up to 64
# chunks. The sanitizers' gives back and takes again all the time.
GROWTH = {"brk", "mmap", "munmap", "madvise", "mprotect"} | ({"sched_yield"} if SANITIZED else set())


class Traced:
    """The system calls of each thread of a running server, by strace, from __enter__ to __exit__."""

    def __init__(self, server):
        self.server, self.file = server, server.folder / "strace"

    def __enter__(self):
        self.strace = subprocess.Popen(["strace", "-f", "-qq", "-e", "signal=none", "-o", self.file, "-p", str(self.server.process.pid)],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until("strace attached", lambda: self.strace.poll() is not None or all(
            re.search(r"^TracerPid:\t[1-9]", status.read_text(), re.M)
            for status in pathlib.Path(f"/proc/{self.server.process.pid}/task").glob("*/status")))
        if self.strace.poll() is not None:
            raise unittest.SkipTest("no process may be traced here: " + self.strace.stderr.read().strip())
        return self

    def __exit__(self, *_):
        self.strace.terminate()  # lets the server go on
        self.strace.wait(DEADLINE)
        self.strace.stderr.close()

    def calls(self):
        """{thread: Counter of calls}"""
        threads = collections.defaultdict(collections.Counter)
        for line in self.file.read_text().splitlines():
            if match := re.match(r"(\d+) +(\w+)\(", line):
                threads[int(match[1])][match[2]] += 1
        return threads


class HotPath(ServerCase):
    files = {"site/index.html": b"<p>page</p>" * 90, "site/a.css": b"a { color: red } " * 200, "site/photo.jpg": bytes(10_000)}

    @classmethod
    def start(cls):
        return Server(config=f'[server]\naccess_log = "{cls.root}/access.log"\n[http2]\nrequests = 1000000\n'
                             f'[[site]]\nroot = "{cls.root}/site"\n[[site.rule]]\nmatch = "/*.css"\nheaders = {{ X-Rule = "yes" }}\n')

    def traced_load(self, scheme, seconds=4):
        """The calls of the loop that answers h2load's one connection, and how many requests they served."""
        urls = [f"{scheme}://127.0.0.1:{self.server.ports[scheme]}/{name}" for name in ("", "a.css", "photo.jpg")]
        count = lambda: self.server.metric("requests_total")
        load = subprocess.Popen(["h2load", "-c", "1", "-m", str(STREAMS), "-w", "22", "-W", "22", "-D", str(seconds), *urls, "-H",
                                 "accept-encoding: br"], stdout=subprocess.PIPE, text=True)
        try:
            warm = count() + 5000
            until("the server is warm", lambda: count() > warm)
            with Traced(self.server) as traced:
                before = count()
                until("enough was asked", lambda: count() > before + REQUESTS)
                served = count() - before
                self.assertIsNone(load.poll(), "the load must outlast the tracing")
        finally:
            load.terminate()
            load.communicate(timeout=DEADLINE)
        return max(traced.calls().values(), key=lambda calls: calls.total()), served

    def test_one_call_to_read_write_and_wait_serves_many_requests_and_nothing_else_is_asked(self):
        for scheme in ("https", "http"):
            with self.subTest(scheme):
                calls, served = self.traced_load(scheme)
                print(f"\n{scheme}: {served:.0f} requests, {dict(calls)}")
                self.assertEqual(set(calls) - PER_BATCH - {LOG_WAKES, ALARM} - GROWTH, set())
                self.assertLess(sum(calls[name] for name in PER_BATCH), served / 4)  # three kinds, each for 12 or more
                self.assertLess(calls[LOG_WAKES], served / 100)
                self.assertLess(calls[ALARM], 50)
                if not SANITIZED:
                    self.assertLess(sum(calls[name] for name in GROWTH), 100)


if __name__ == "__main__":
    unittest.main()
