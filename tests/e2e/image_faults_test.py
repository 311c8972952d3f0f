#!/usr/bin/python3
"""A malformed picture, a bomb, a killed or a hanging worker costs its request an error, and nothing else."""
import json
import os
import signal
import threading
import unittest

import pictures
from selvage import DEADLINE, Client, Server, ServerCase, until, write

CONFIG = """
[image]
workers = 1
queue = 2
{more}
[[site]]
root = "{root}"
"""

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10">%s</svg>'


class Asking(threading.Thread):
    """A request whose answer is waited for later."""

    def __init__(self, server, target):
        super().__init__()
        self.server, self.target, self.response = server, target, None
        self.start()

    def run(self):
        with Client(self.server) as client:
            self.response = client.get(self.target)

    def answer(self):
        self.join(DEADLINE)
        assert self.response is not None, f"no answer to {self.target}"
        return self.response


class Hostile(ServerCase):
    @classmethod
    def prepare(cls):
        good = pictures.jpeg(300, 200)
        write(cls.root, {
            "good.jpg": good, "cut.jpg": good[:len(good) // 3], "head.jpg": good[:400], "text.jpg": b"this is no picture\n" * 50, "empty.jpg": b"",
            "magic.jpg": b"XXXX" + good[4:], "bomb.png": pictures.png_claiming(30000, 30000), "thin.png": pictures.png_claiming(20000, 1),
            "lies.png": pictures.png_claiming(3000, 3000), "riff.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(50), "box.avif": b"\0\0\0\x1cftypavif" + bytes(60),
            "gif.gif": b"GIF89a\xff\xff\xff\xff" + bytes(20), "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"><rect width="9" height="4"/></svg>',
            "external.svg": SVG % b'<image width="9" height="9" xlink:href="file:///etc/passwd"/><use xlink:href="/etc/passwd#a"/>',
            "entities.svg": b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG % b"<text>&a;</text>", "endless.svg": SVG % (b"<g>" * 100_000)})

    def refused(self, target, *statuses):
        response = self.server.get(target)
        self.assertIn(response.status, statuses, f"{target}: {response}")
        if response.status >= 400:
            self.assertEqual((response["content-type"], response["cache-control"]), ("application/problem+json", "no-store"))
        return response

    def test_what_cannot_be_decoded_is_422(self):
        for name in ("cut.jpg", "head.jpg", "lies.png", "riff.webp", "box.avif", "gif.gif"):
            response = self.refused(f"/{name}?w=50", 422, 415)
            self.assertEqual(response["vary"], "Accept", name)
        self.assertEqual(json.loads(self.refused("/cut.jpg?w=50", 422).body)["code"], "undecodable")

    def test_a_picture_of_too_many_pixels_is_refused_unseen(self):
        for name in ("bomb.png", "thin.png"):
            self.assertEqual(json.loads(self.refused(f"/{name}?w=50", 422).body)["code"], "source_pixels", name)

    def test_a_name_does_not_make_a_picture(self):  # sniffed by content; parameters on other files are no mistake
        for name in ("text.jpg", "empty.jpg", "magic.jpg"):
            response = self.refused(f"/{name}?w=50", 200, 415)
            if response.status == 200:
                self.assertEqual(response.body, (self.root / name).read_bytes())

    def test_a_drawing_stays_a_drawing_unless_a_format_is_asked_for(self):  # image-urls §3, protocol-and-limits §7
        for target in ("/drawing.svg", "/drawing.svg?w=50"):
            response = self.server.get(target, fields={"Accept": "image/avif,image/webp"})
            self.assertEqual((response.status, response["content-type"], response.body), (200, "image/svg+xml", (self.root / "drawing.svg").read_bytes()))
            self.assertIn("sandbox", response["content-security-policy"])
        self.assertEqual(pictures.examine(self.refused("/drawing.svg?w=50&fm=png", 200).body)[:3], ("png", 10, 5))
        for name in ("external.svg", "entities.svg", "endless.svg"):
            self.refused(f"/{name}?w=50&fm=png", 200, 413, 415, 422)

    def test_afterwards_the_server_goes_on_with_the_same_workers(self):
        before = self.server.workers()
        for name in ("cut.jpg", "lies.png", "bomb.png", "riff.webp"):
            self.refused(f"/{name}?w=60", 422, 415)
        self.assertEqual(self.server.get("/good.jpg?w=60").status, 200)
        self.assertEqual(self.server.workers(), before)
        self.assertEqual(self.server.metric("worker_restarts_total"), 0)


class OneWorker(ServerCase):
    more = ""

    @classmethod
    def prepare(cls):
        write(cls.root, {f"{i}.jpg": pictures.jpeg(300, 200, seed=i) for i in range(6)})

    @classmethod
    def start(cls):
        return Server(config=CONFIG.format(root=cls.root, more=cls.more))

    def stop_worker(self):
        [worker] = until("one worker", lambda: self.server.metric("transform_workers_ready") == 1 and self.server.workers())
        os.kill(worker, signal.SIGSTOP)
        return worker

    def give_to_worker(self, target):
        """The job has been sent to the (stopped) worker: it has begun, and does not wait in the queue."""
        outcomes = self.server.metric("fills_started_total")
        asking = Asking(self.server, target)
        until("the job has begun", lambda: self.server.metric("fills_started_total") > outcomes)
        return asking

    def kill_in_the_middle(self, target):
        worker = self.stop_worker()
        first = self.give_to_worker(target)
        second = Asking(self.server, "/5.jpg?w=" + str(10 + worker % 200))
        until("the second job waits for the first", lambda: self.server.metric("transform_queue") == 1)
        os.kill(worker, signal.SIGKILL)
        return first.answer(), second.answer()


class LostWorkers(OneWorker):
    def test_a_killed_worker_costs_one_request_an_error(self):
        restarts = self.server.metric("worker_restarts_total")
        lost, next_one = self.kill_in_the_middle("/0.jpg?w=100")
        self.assertEqual((lost.status, lost["content-type"], lost["cache-control"]), (500, "application/problem+json", "no-store"))
        self.assertEqual(next_one.status, 200)
        self.assertEqual(self.server.metric("worker_restarts_total") - restarts, 1)
        self.assertEqual(self.server.get("/0.jpg?w=100").status, 200)  # not the picture's fault, once

    def test_an_idle_worker_that_is_killed_is_replaced(self):
        restarts = self.server.metric("worker_restarts_total")
        [worker] = until("one worker", self.server.workers)
        os.kill(worker, signal.SIGKILL)
        until("another worker", lambda: self.server.metric("worker_restarts_total") > restarts and self.server.metric("transform_workers_ready") == 1)
        self.assertNotEqual(self.server.workers(), [worker])
        self.assertEqual(self.server.get("/1.jpg?w=100").status, 200)

    def test_a_picture_that_took_two_workers_with_it_is_not_tried_again(self):
        for width in (100, 101):
            self.assertEqual(self.kill_in_the_middle(f"/2.jpg?w={width}")[0].status, 500)
        response = self.server.get("/2.jpg?w=102")
        self.assertEqual((response.status, json.loads(response.body)["code"]), (422, "poisoned_source"))
        self.assertEqual(self.server.get("/2.jpg").status, 200)  # the file itself is as good as ever

    def test_beyond_the_queue_the_answer_is_503_and_what_waits_is_served(self):
        worker = self.stop_worker()
        waiting = [self.give_to_worker("/3.jpg?w=100"), Asking(self.server, "/3.jpg?w=101"), Asking(self.server, "/3.jpg?w=102")]
        until("the queue is full", lambda: self.server.metric("transform_queue") == 2)
        refused = self.server.get("/3.jpg?w=103")
        self.assertEqual((refused.status, refused["cache-control"]), (503, "no-store"))
        self.assertGreater(int(refused["retry-after"]), 0)
        self.assertEqual(self.server.get("/3.jpg").status, 200)  # cheap work does not wait behind expensive work
        os.kill(worker, signal.SIGCONT)
        self.assertEqual([asking.answer().status for asking in waiting], [200, 200, 200])
        self.assertGreater(self.server.metric('limit_hits_total{limit="image.queue"}'), 0)


class Deadlines(OneWorker):
    more = 'process_timeout = "3s"'

    def test_a_worker_that_hangs_is_replaced_at_its_deadline(self):
        worker = self.stop_worker()
        late = self.give_to_worker("/4.jpg?w=100")
        behind = Asking(self.server, "/4.jpg?w=101")
        response = late.answer()
        self.assertEqual((response.status, json.loads(response.body)["code"]), (504, "processing_timeout"))
        self.assertEqual(behind.answer().status, 200)
        until("the process is gone, and nothing is left of it", lambda: worker not in self.server.workers(), deadline=10)
        self.assertEqual(self.server.metric('transform_outcomes_total{outcome="timed_out"}'), 1)


class Recycled(OneWorker):
    more = "recycle_jobs = 1"

    def test_a_worker_is_replaced_after_its_share_of_jobs_and_leaves_nothing_behind(self):
        seen = set()
        for i in range(4):
            self.assertEqual(self.server.get(f"/{i}.jpg?w=50").status, 200)
            seen.update(self.server.workers())
        self.assertGreater(len(seen), 2)
        until("one process, no zombies", lambda: len(self.server.workers()) == 1, deadline=10)


if __name__ == "__main__":
    unittest.main()
