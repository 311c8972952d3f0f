#!/usr/bin/python3
"""The disk cache is a comfort: without it the server goes on."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from coded import SCRIPT, ask, best
from messages import decode
from selvage import Server
from server_case import write
from waiting import until

BAD_DISK = os.environ.get("SELVAGE_BAD_DISK_LIBRARY")


class Disk(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-disk-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        write(self.folder, {"root/index.html": b"<p>home</p>" * 200})


class FullDisk(Disk):
    @unittest.skipUnless(os.geteuid() == 0, "needs a file system of its own")
    def test_a_full_or_failing_disk_costs_the_disk_cache_and_nothing_else(self):
        cache = f"{self.folder}/tiny"
        os.mkdir(cache)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", cache], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("cannot mount")
        try:
            write(self.folder, {f"root/{i}.js": os.urandom(30000).hex().encode() for i in range(6)})
            with Server(f"{self.folder}/root", cache=cache) as server:
                for i in range(6):
                    until("each is coded",
                          lambda: server.get(f"/{i}.js", fields={"Accept-Encoding": "gzip"})["content-encoding"] == "gzip")
                until("a write failed", lambda: server.metric("cache_disk_errors_total") > 0)
                self.assertEqual(server.admin("/readyz").status, 200)
            subprocess.run(["mount", "-o", "remount,ro", cache], check=True)
            with Server(f"{self.folder}/root", cache=cache) as server:
                write(self.folder, {"root/later.js": b"let later;" * 500})
                for _ in range(3):
                    response = server.get("/later.js", fields={"Accept-Encoding": "gzip"})
                    self.assertEqual((response.status, response.content), (200, b"let later;" * 500))
                self.assertEqual(server.admin("/readyz").status, 200)
        finally:
            subprocess.run(["umount", cache], check=True)


@unittest.skipUnless(BAD_DISK, "SELVAGE_BAD_DISK_LIBRARY does not say where bad_disk.cc was built")
class BadDisk(Disk):
    """The same program on files whose calls are taken by bad_disk.cc."""

    def setUp(self):
        super().setUp()
        self.fault = pathlib.Path(self.folder, "fault")
        self.held = pathlib.Path(self.folder, "fault.held")
        self.files = 0

    def start(self):
        return Server(f"{self.folder}/root", cache=f"{self.folder}/cache",
                      environment={"LD_PRELOAD": BAD_DISK, "SELVAGE_BAD_DISK": str(self.fault)})

    def become(self, word):
        """Written aside first: a call may ask at any moment."""
        aside = pathlib.Path(self.folder, "fault.next")
        aside.write_text(word)
        aside.rename(self.fault)

    def new_script(self):
        """A file that nobody has asked for, and whose codings have to be stored."""
        self.files += 1
        write(self.folder, {f"root/new{self.files}.js": SCRIPT + b"%d" % self.files})
        return f"/new{self.files}.js", SCRIPT + b"%d" % self.files

    def check_new(self, server):
        path, script = self.new_script()
        response = ask(server, path, "gzip")
        self.assertEqual((response.status, decode(response.body, response["content-encoding"] or "identity")), (200, script))
        return path

    def test_while_the_disk_stands_still_every_request_is_answered(self):
        write(self.folder, {"root/app.js": SCRIPT})
        with self.start() as server:
            hot = best(server, "/app.js", "gzip")
            self.become("stall")
            until("a call stands still", lambda: self.check_new(server) and self.held.exists())
            for protocol in ("h2", "http/1.1"):
                for _ in range(10):
                    again = ask(server, "/app.js", "gzip", protocol)
                    self.assertEqual((again.status, again.body), (200, hot.body))
                    self.assertTrue(again["cache-status"].startswith("selvage; hit"), again["cache-status"])
                self.check_new(server)
            self.assertEqual(server.admin("/readyz").status, 200)
            self.assertTrue(self.held.exists(), "all of that while the call was still waiting")
            self.fault.unlink()
            written = server.metric("cache_written_objects_total")
            until("the disk is written to again",
                  lambda: self.check_new(server) and server.metric("cache_written_objects_total") > written)

    def test_a_disk_that_fails_costs_hits_and_nothing_else(self):
        for word in ("EIO", "ENOSPC"):
            with self.subTest(word), self.start() as server:
                best(server, self.new_script()[0], "gzip")
                self.become(word)
                until("a call failed", lambda: self.check_new(server) and server.metric("cache_disk_errors_total") > 0)
                for _ in range(5):
                    self.check_new(server)
                self.assertEqual(server.admin("/readyz").status, 200)
                self.fault.unlink()
            # What could be written before is found, or made again.
            with self.start() as server:
                for number in range(1, self.files + 1):
                    response = best(server, f"/new{number}.js", "gzip")
                    self.assertEqual(decode(response.body, "gzip"), SCRIPT + b"%d" % number)

    def test_a_disk_that_takes_a_thousand_bytes_at_a_time_is_used_like_any_other(self):
        write(self.folder, {"root/app.js": SCRIPT})
        self.become("short")
        with self.start() as server:
            first = best(server, "/app.js", "gzip")
            until("it is written", lambda: server.metric("cache_written_objects_total") > 0)
            self.assertEqual(server.metric("cache_disk_errors_total"), 0)
        with self.start() as server:
            again = best(server, "/app.js", "gzip")
            self.assertEqual((again["etag"], again.body), (first["etag"], first.body))
            self.assertEqual(server.metric("codings_made_total"), 0)


if __name__ == "__main__":
    unittest.main()
