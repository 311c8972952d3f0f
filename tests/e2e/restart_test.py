#!/usr/bin/python3
"""What was made before a restart is found again, and what was damaged meanwhile is made again."""
import os
import tempfile
import unittest

import pictures
from coded import CODINGS, SCRIPT, ask, best
from messages import decode
from selvage import Server
from server_case import write
from waiting import until


class Codings(unittest.TestCase):
    def test_codings_are_found_again_after_a_restart(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/app.js": SCRIPT})
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                first = {coding: best(server, "/app.js", coding) for coding in CODINGS}
                until("all codings are made", lambda: server.metric("codings_made_total") >= 4)
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                for coding in CODINGS:
                    again = ask(server, "/app.js", coding)
                    self.assertEqual((again["etag"], again.body), (first[coding]["etag"], first[coding].body))
                    self.assertTrue(again["cache-status"].startswith("selvage; hit"), again["cache-status"])
                self.assertEqual(server.metric("codings_made_total"), 0)
            self.assertEqual(os.listdir(f"{folder}/root"), ["app.js"], "the user's folder is not written to")

    def test_a_damaged_cache_costs_the_work_and_nothing_else(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/app.js": SCRIPT})
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                for coding in CODINGS:
                    best(server, "/app.js", coding)
            for path, _, names in os.walk(f"{folder}/cache"):
                for name in names:
                    if name.endswith((".pem", ".crt", ".key")):
                        continue
                    with open(os.path.join(path, name), "r+b") as file:
                        file.seek(0, os.SEEK_END)
                        file.seek(file.tell() // 2)
                        file.write(b"\xff\x00\xff\x00")
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                for coding in CODINGS:
                    self.assertEqual(decode(best(server, "/app.js", coding).body, coding), SCRIPT)


class Images(unittest.TestCase):
    def test_variants_are_found_again_after_a_restart(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/cat.jpg": pictures.jpeg(300, 200)})
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                first = server.get("/cat.jpg?w=100&fm=avif")
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                again = server.get("/cat.jpg?w=100&fm=avif")
                self.assertEqual((again.status, again.body, again["etag"]), (200, first.body, first["etag"]))
                self.assertEqual(again["cache-status"], "selvage; hit; detail=disk")
                self.assertEqual(server.metric("transforms_total"), 0)


if __name__ == "__main__":
    unittest.main()
