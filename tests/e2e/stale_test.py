#!/usr/bin/python3
"""What was made of an image before it changed stands in while the new one is made, or cannot be made: RFC 5861."""
import os
import signal
import unittest

import pictures
from pictures import examine
from selvage import Server
from server_case import ServerCase, write
from waiting import until

SHORT = "public, max-age=0, must-revalidate"
STALE = "selvage; hit; detail=stale"
CONFIG = """
[image]
workers = 1
[[site]]
root = "{root}"
"""


def replace(path, content):
    """As deploy tools do: a new file under a temporary name, renamed over the old one."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.rename(path)


class Stale(ServerCase):
    more = ""

    @classmethod
    def prepare(cls):
        write(cls.root, {f"{name}.jpg": pictures.jpeg(400, 300, seed=1) for name in "abcdefg"})

    @classmethod
    def start(cls):
        return Server(config=cls.more + CONFIG.format(root=cls.root))

    def warm(self, target):
        """It is made, the best of it too, and is in memory."""
        self.assertEqual(self.server.get(target).status, 200)
        return until("the best of it", lambda: (found := self.server.get(target))["x-img"].startswith("hit;") and found)

    def stopped_worker(self):
        [worker] = until("one worker", lambda: self.server.metric("transform_workers_ready") == 1 and self.server.workers())
        os.kill(worker, signal.SIGSTOP)
        self.addCleanup(os.kill, worker, signal.SIGCONT)
        return worker

    def changed(self, name, content):
        """The file is another one, and the server has seen it."""
        etag = self.server.get(f"/{name}.jpg")["etag"]
        replace(self.root / f"{name}.jpg", content)
        until("the server sees it", lambda: self.server.get(f"/{name}.jpg")["etag"] != etag)


class WhileRevalidate(Stale):
    def test_the_old_picture_at_once_and_soon_the_new_one(self):
        old, worker = self.warm("/a.jpg?w=100"), self.stopped_worker()
        self.changed("a", pictures.jpeg(400, 200, seed=2))
        answer = self.server.get("/a.jpg?w=100")  # although nothing can be made
        self.assertEqual((answer.status, answer.body, answer["etag"]), (200, old.body, old["etag"]))
        self.assertEqual(answer["cache-control"], SHORT)
        self.assertEqual(answer["cache-status"], STALE)
        self.assertEqual(answer["last-modified"], old["last-modified"])
        self.assertEqual(self.server.get("/a.jpg?w=100", fields={"If-None-Match": old["etag"]}).status, 304)
        os.kill(worker, signal.SIGCONT)
        new = until("the new one", lambda: (found := self.server.get("/a.jpg?w=100"))["etag"] != old["etag"] and found)
        self.assertEqual(examine(new.body)[1:3], (100, 50))
        self.assertNotEqual(new["cache-control"], SHORT)
        self.assertGreaterEqual(self.server.metric('stale_answers_total{reason="while_revalidate"}'), 2)

    def test_one_fill_however_many_ask(self):
        self.warm("/b.jpg?w=100")
        worker = self.stopped_worker()
        self.changed("b", pictures.jpeg(400, 200, seed=3))
        started = self.server.metric("fills_started_total")
        for _ in range(20):
            self.assertEqual(self.server.get("/b.jpg?w=100")["cache-control"], SHORT)
        self.assertEqual(self.server.metric("fills_started_total") - started, 1)
        os.kill(worker, signal.SIGCONT)
        until("the new one", lambda: self.server.get("/b.jpg?w=100")["cache-control"] != SHORT)

    def test_a_deleted_file_is_gone_at_once(self):
        self.warm("/c.jpg?w=100")
        (self.root / "c.jpg").unlink()
        until("the server sees it", lambda: self.server.get("/c.jpg").status == 404)
        self.assertEqual(self.server.get("/c.jpg?w=100").status, 404)


class IfError(Stale):
    more = "[cache]\nstale_while_revalidate = \"0s\"\n"

    def broken(self, name, content):
        old = self.warm(f"/{name}.jpg?w=100")
        self.changed(name, content)
        answer = self.server.get(f"/{name}.jpg?w=100")
        self.assertEqual((answer.status, answer.body, answer["etag"]), (200, old.body, old["etag"]))
        self.assertEqual(answer["cache-control"], SHORT)
        self.assertEqual(answer["cache-status"], STALE)
        return old

    def recovered(self, name, old):
        replace(self.root / f"{name}.jpg", pictures.jpeg(400, 200, seed=4))
        new = until("the new one", lambda: (found := self.server.get(f"/{name}.jpg?w=100"))["etag"] != old["etag"] and found)
        self.assertEqual(new.status, 200)
        self.assertEqual(examine(new.body)[1:3], (100, 50))
        self.assertNotEqual(new["cache-control"], SHORT)

    def test_a_broken_replacement_is_covered_by_the_old_picture_until_it_is_mended(self):
        whole = pictures.jpeg(400, 200, seed=5)
        old = self.broken("d", whole[:700])
        self.assertGreaterEqual(self.server.metric('stale_answers_total{reason="if_error"}'), 1)
        self.recovered("d", old)
        self.assertIn("what was made of the file before is sent instead", self.server.log())

    def test_a_replacement_that_is_no_image_at_all_too(self):
        old = self.broken("e", b"this is no picture")
        self.assertEqual(self.server.get("/e.jpg").body, b"this is no picture")  # the file itself is what it is
        self.recovered("e", old)

    def test_a_broken_file_is_not_tried_by_every_request(self):
        self.warm("/f.jpg?w=100")
        self.changed("f", pictures.jpeg(400, 200, seed=6)[:700])
        refused = self.server.metric('transform_outcomes_total{outcome="refused"}')
        for _ in range(30):
            self.assertEqual(self.server.get("/f.jpg?w=100").status, 200)
        tries = self.server.metric('transform_outcomes_total{outcome="refused"}') - refused
        remembered = self.server.metric("fill_failures_remembered_total")
        self.assertLess(tries, 30)
        self.assertGreater(remembered, 0)

    def test_without_a_picture_of_before_it_is_an_error(self):
        write(self.root, {"new.jpg": pictures.jpeg(400, 200, seed=7)[:700]})
        self.assertEqual(self.server.get("/new.jpg?w=100").status, 422)


class Off(Stale):
    more = "[cache]\nstale_while_revalidate = \"0s\"\nstale_if_error = \"0s\"\n"

    def test_nothing_stale_is_sent(self):
        self.warm("/g.jpg?w=100")
        self.changed("g", pictures.jpeg(400, 200, seed=8)[:700])
        self.assertEqual(self.server.get("/g.jpg?w=100").status, 422)
        self.changed("g", pictures.jpeg(400, 200, seed=9))
        self.assertNotEqual(self.server.get("/g.jpg?w=100")["cache-control"], SHORT)


if __name__ == "__main__":
    unittest.main()
