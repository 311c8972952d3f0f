#!/usr/bin/python3
"""A killed, hanging or overrun worker costs its request an error, and nothing else."""
import json
import os
import signal
import socket
import threading
import time
import unittest

import pictures
from clients import Client
from selvage import SANITIZED, Server
from server_case import ServerCase, write
from waiting import DEADLINE, until

CONFIG = """
[image]
workers = 1
queue = 2
{more}
[[site]]
root = "{root}"
"""


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
        asking = Asking(self.server, target)
        until("the worker has the job", lambda: self.server.metric("transform_workers_busy") == 1)
        return asking

    def kill_in_the_middle(self, target):
        worker = self.stop_worker()
        first = self.give_to_worker(target)
        second = Asking(self.server, "/5.jpg?w=" + str(10 + worker % 200))
        until("the second job waits for the first", lambda: self.server.metric("transform_queue") == 1)
        os.kill(worker, signal.SIGKILL)
        return first.answer(), second.answer()


class Descriptors(OneWorker):
    def test_descriptors_of_other_programs_on_their_way_delay_a_picture_and_lose_no_worker(self):
        # The kernel counts those of a user, in all of his processes, against the limit of who sends one.
        [worker] = until("one worker", self.server.workers)
        left, right = socket.socketpair()
        with left, right:
            for _ in range(40):
                socket.send_fds(left, [b"x"], [left.fileno()])
            asking = Asking(self.server, "/0.jpg?w=41")
            until("it is made", lambda: self.server.metric("transform_workers_busy") == 1)
            time.sleep(0.3)  # for the worker to try
            for _ in range(40):
                for descriptor in socket.recv_fds(right, 1, 1)[1]:
                    os.close(descriptor)
            self.assertEqual(asking.answer().status, 200)
        self.assertEqual(self.server.workers(), [worker])


class Walls(OneWorker):
    def test_a_worker_that_serves_has_no_rights_and_no_way_out(self):
        self.assertEqual(self.server.get("/0.jpg?w=40").status, 200)
        [worker] = until("one worker", self.server.workers)
        with open(f"/proc/{worker}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual({int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}, {0})
        if os.geteuid() == 0:
            self.assertEqual(int(status["CapBnd"], 16), 0)
        if not SANITIZED:
            self.assertEqual(status["Seccomp"], "2")  # a filter
        ends = [os.readlink(f"/proc/{worker}/fd/{number}") for number in range(2, 6)]
        self.assertEqual(ends[0], "/dev/null")  # what libraries say of a strange file
        self.assertTrue(ends[1].startswith("socket:") and ends[2] == str(self.server.errors) and ends[3].endswith("/statm"), ends)
        self.assertEqual(sorted(os.listdir(f"/proc/{worker}/fd")), ["0", "1", "2", "3", "4", "5"])  # nothing is left of the job


class LostWorkers(OneWorker):
    def test_a_killed_worker_costs_one_request_an_error(self):
        restarts = self.server.metric("worker_restarts_total")
        lost, next_one = self.kill_in_the_middle("/0.jpg?w=100")
        self.assertEqual((lost.status, lost["content-type"], lost["cache-control"]),
                         (500, "application/problem+json", "no-store"))
        self.assertEqual(next_one.status, 200)
        self.assertEqual(self.server.metric("worker_restarts_total") - restarts, 1)
        self.assertEqual(self.server.get("/0.jpg?w=100").status, 200)  # not the picture's fault, once

    def test_an_idle_worker_that_is_killed_is_replaced(self):
        restarts = self.server.metric("worker_restarts_total")
        [worker] = until("one worker", self.server.workers)
        os.kill(worker, signal.SIGKILL)
        until("another worker", lambda: self.server.metric("worker_restarts_total") > restarts
              and self.server.metric("transform_workers_ready") == 1)
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
