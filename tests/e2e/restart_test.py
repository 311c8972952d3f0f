#!/usr/bin/python3
"""What was made before a restart is found again, and what was damaged meanwhile is made again."""
import os
import signal
import tempfile
import unittest

import pictures
from coded import CODINGS, SCRIPT, ask, best
from messages import decode
from selvage import Server
from server_case import write
from waiting import until


def damage(folder):
    """Four bytes in every thousand of what a store has written, none of which is then as it was. The files that it found."""
    files = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "r+b") as file:
                content = file.read(1 << 20)  # the rest of a segment has not been used yet
                files += len(content) > 0
                for offset in range(500, len(content), 1000):
                    file.seek(offset)
                    file.write(bytes(byte ^ 0x55 for byte in content[offset:offset + 4]))
    return files


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

    def test_a_killed_server_is_followed_by_one_that_has_what_was_written(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/app.js": SCRIPT})
            server = Server(f"{folder}/root", cache=f"{folder}/cache")
            try:
                first = {coding: best(server, "/app.js", coding) for coding in CODINGS}
                until("all codings are written", lambda: server.metric("cache_written_objects_total") >= len(CODINGS))
            finally:
                server.stop(signal.SIGKILL, expect_good=False)
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                for coding in CODINGS:
                    again = best(server, "/app.js", coding)
                    self.assertEqual((again["etag"], again.body), (first[coding]["etag"], first[coding].body))
                self.assertEqual(server.metric("codings_made_total"), 0)

    def test_a_damaged_cache_costs_the_work_and_nothing_else(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/app.js": SCRIPT})
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                for coding in CODINGS:
                    best(server, "/app.js", coding)
            self.assertGreater(damage(f"{folder}/cache/objects"), 0)
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                for coding in CODINGS:
                    self.assertEqual(decode(best(server, "/app.js", coding).body, coding), SCRIPT)


class Images(unittest.TestCase):
    def test_variants_are_found_again_after_a_restart(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/cat.jpg": pictures.jpeg(300, 200)})
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                first = server.get("/cat.jpg?w=100&fm=png")
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                again = server.get("/cat.jpg?w=100&fm=png")
                self.assertEqual((again.status, again.body, again["etag"]), (200, first.body, first["etag"]))
                # From the disk, or from memory when the warm-up was faster.
                self.assertIn(again["cache-status"], ("selvage; hit; detail=disk", "selvage; hit"))
                self.assertEqual(server.metric("transforms_total"), 0)


if __name__ == "__main__":
    unittest.main()
