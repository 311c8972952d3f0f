#!/usr/bin/python3
"""The disk cache is a comfort: without it the server goes on."""
import os
import subprocess
import tempfile
import unittest

from selvage import Server
from server_case import write
from waiting import until


class Disk(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-disk-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        write(self.folder, {"root/index.html": b"<p>home</p>" * 200})

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


if __name__ == "__main__":
    unittest.main()
