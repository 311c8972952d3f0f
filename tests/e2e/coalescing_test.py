#!/usr/bin/python3
"""What many ask for at once is made once; what waits is made in an order that keeps the many short waits short."""
import hashlib
import os
import signal
import subprocess
import threading
import unittest

import pictures
from clients import Client
from selvage import Server
from server_case import ServerCase, write
from waiting import DEADLINE, until

CROWD = os.environ["SELVAGE_CROWD"]
CLIENTS = 1000
CONFIG = """
[cache]
{cache}
stale_while_revalidate = "0s"
[image]
workers = 1
process_timeout = "2m"
queue_timeout = "2m"
total_timeout = "2m"
client_misses = 0
upgrade = false
[[site]]
root = "{root}"
"""


def replace(path, content):
    """As deploy tools do: a new file under a temporary name, renamed over the old one."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.rename(path)


class Asking(threading.Thread):
    """A request whose answer is waited for later."""

    def __init__(self, server, target, answered=None):
        super().__init__()
        self.server, self.target, self.response, self.answered = server, target, None, answered
        self.start()

    def run(self):
        with Client(self.server) as client:
            self.response = client.get(self.target)
        if self.answered is not None:
            self.answered.append(self.target)

    def answer(self):
        self.join(DEADLINE)
        assert self.response is not None, f"no answer to {self.target}"
        return self.response


class OneWorker(ServerCase):
    cache = ""

    @classmethod
    def prepare(cls):
        write(cls.root, {f"{i}.jpg": pictures.jpeg(600, 400, seed=i) for i in range(8)})

    @classmethod
    def start(cls):
        return Server(config=CONFIG.format(root=cls.root, cache=cls.cache))

    def stopped_worker(self):
        [worker] = until("one worker", lambda: self.server.metric("transform_workers_ready") == 1 and self.server.workers())
        os.kill(worker, signal.SIGSTOP)
        return worker


class Crowds(OneWorker):
    def made(self):
        return self.server.metric('transform_outcomes_total{outcome="ok"}')

    def test_a_thousand_clients_on_one_cold_key_cost_one_transform(self):
        target = "/0.jpg?w=333&fm=webp"
        with subprocess.Popen([CROWD, str(self.server.ports["https"]), str(CLIENTS), target], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as crowd:
            def tell(word):
                crowd.stdin.write(word + "\n")
                crowd.stdin.flush()

            tell("go")  # they open their connections
            self.assertEqual(crowd.stdout.readline(), f"answered {CLIENTS}\n")
            old, file = self.server.get(target)["etag"], self.server.get("/0.jpg")["etag"]
            replace(self.root / "0.jpg", pictures.jpeg(600, 400, seed=99))
            until("the server sees it", lambda: self.server.get("/0.jpg")["etag"] != file)
            made, joined, worker = self.made(), self.server.metric("fills_coalesced_total"), self.stopped_worker()
            tell("together")
            until("all wait", lambda: self.server.metric("fill_waiters") == CLIENTS)
            self.assertEqual(self.server.metric("fills"), 1)
            os.kill(worker, signal.SIGCONT)
            self.assertEqual(crowd.stdout.readline(), f"answered {CLIENTS}\n")
            crowd.stdin.close()
        self.assertNotEqual(self.server.get(target)["etag"], old)
        self.assertEqual(self.made() - made, 1)
        self.assertEqual(self.server.metric("fills_coalesced_total") - joined, CLIENTS - 1)
        self.assertEqual((self.server.metric("fills"), self.server.metric("fill_waiters")), (0, 0))

    def test_all_get_the_same_bytes(self):
        made, worker = self.made(), self.stopped_worker()
        asking = [Asking(self.server, "/1.jpg?w=200&fm=webp") for _ in range(30)]
        until("all wait", lambda: self.server.metric("fill_waiters") == 30)
        os.kill(worker, signal.SIGCONT)
        answers = [each.answer() for each in asking]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({hashlib.sha256(answer.body).digest() for answer in answers}), 1)
        self.assertEqual(len({answer["etag"] for answer in answers}), 1)
        self.assertEqual(self.made() - made, 1)

    def test_a_slow_reader_does_not_slow_the_others(self):
        worker = self.stopped_worker()
        target = "/2.jpg?w=599&fm=png"
        slow = self.server.connect()
        self.addCleanup(slow.close)
        slow.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())  # and it reads nothing of the answer
        until("it waits", lambda: self.server.metric("fill_waiters") == 1)
        others = [Asking(self.server, target) for _ in range(10)]
        until("all wait", lambda: self.server.metric("fill_waiters") == 11)
        os.kill(worker, signal.SIGCONT)
        bodies = {each.answer().body for each in others}
        self.assertEqual(len(bodies), 1)
        received = b""
        while len(received.partition(b"\r\n\r\n")[2]) < len(next(iter(bodies))):
            received += slow.recv(1 << 16)
        self.assertIn(received.partition(b"\r\n\r\n")[2], bodies)


class Order(OneWorker):
    def test_cheap_before_expensive(self):
        worker, answered = self.stopped_worker(), []
        asking = [Asking(self.server, "/0.jpg?w=50", answered)]  # with the worker
        until("it has begun", lambda: self.server.metric("fills") == 1 and self.server.metric("transform_queue") == 0)
        for waiting, target in enumerate(["/1.jpg?w=1800&enlarge=1&fm=avif", "/2.jpg?w=600&fm=png", "/3.jpg?w=60&fm=jpeg"], 1):
            asking.append(Asking(self.server, target, answered))
            until("it waits", lambda: self.server.metric("transform_queue") == waiting)
        os.kill(worker, signal.SIGCONT)
        for each in asking:
            self.assertEqual(each.answer().status, 200, each.target)
        self.assertEqual([target[1] for target in answered], ["0", "3", "2", "1"])


class Deadline(OneWorker):
    cache = 'fill_timeout = "1s"'

    def test_a_fill_that_takes_too_long_is_ended_for_all(self):
        worker = self.stopped_worker()
        asking = [Asking(self.server, "/0.jpg?w=70") for _ in range(3)]
        self.assertEqual({each.answer().status for each in asking}, {504})
        self.assertEqual(self.server.metric("fills_timed_out_total"), 1)
        self.assertEqual(self.server.metric("fills"), 0)
        os.kill(worker, signal.SIGCONT)
        until("another try goes well", lambda: self.server.get("/0.jpg?w=70").status == 200)


if __name__ == "__main__":
    unittest.main()
