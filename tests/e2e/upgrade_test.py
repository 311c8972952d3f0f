#!/usr/bin/python3
"""An upgrade that nobody notices: the new program takes over the listening sockets, the old one finishes what it has begun."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from messages import read_all
from selvage import PROGRAM, SANITIZED
from server_case import write
from succession import Dynasty
from waiting import DEADLINE, until

BIG = 48 << 20  # more than sockets and pipes hold
REQUEST = b"GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Visitors:
    """Threads that ask again and again, each time over a new connection, and keep what went wrong."""

    def __init__(self, server, tls, threads=2):
        self.server, self.tls = server, tls
        self.errors, self.answered, self.over = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.ask_again) for _ in range(threads)]

    def ask_again(self):
        while not self.over.is_set():
            try:
                with self.server.connect(self.tls, ["http/1.1"]) as connection:
                    connection.sendall(REQUEST)
                    answer = read_all(connection)
                if not (answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\nsmall")):
                    self.errors.append(answer[:200])
            except OSError as error:
                self.errors.append(repr(error))
            self.answered += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(20)
        return self

    def wait_for(self, more):
        enough = self.answered + more
        until("visitors are answered", lambda: self.answered >= enough)

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Upgrade(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-upgrade-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        write(self.root / "site", {"big.mp4": b"A" * BIG, "small.txt": b"small", "a.css": b"a { color: red }\n" * 200})

    def configuration(self, settings, pid_file):
        return (f'[server]\npid_file = "{pid_file}"\n{settings}\n[http2]\nrequests = 1_000_000\n[[site]]\n'
                f'root = "{self.root}/site"\n')

    def serve(self, settings="", **options):
        """Started with a pid file in its folder, stopped at the end of the test."""
        folder = tempfile.mkdtemp(dir=self.root)
        pid_file = pathlib.Path(folder) / "pid"
        server = Dynasty(self.root, config=self.configuration(settings, pid_file), **{"workers": 2, **options})
        server.serving = lambda: int(pid_file.read_text())
        server.pid_file = pid_file
        self.addCleanup(lambda: server.stop() if server.process.poll() is None else None)
        return server

    def command(self, *arguments):
        return subprocess.run([PROGRAM, "upgrade", *map(str, arguments)], capture_output=True, text=True, timeout=2 * DEADLINE)

    def test_it_is_asked_for_by_the_admin_listener_a_signal_or_the_command(self):
        server = self.serve()
        self.assertEqual(server.serving(), server.process.pid)
        first = server.process
        server.upgrade()
        self.assertEqual(server.get("/small.txt").body, b"small")
        server.upgrade(lambda: server.send(signal.SIGUSR2))
        self.assertEqual(server.get("/small.txt", "http/1.1").body, b"small")

        def by_admin():
            done = self.command("--admin", f"127.0.0.1:{server.ports['admin']}")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"^upgraded: process \d+ serves now$")
        server.upgrade(by_admin)

        def by_pid_file():
            done = self.command("--config", server.config)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, f"upgraded: process {server.serving()} serves now\n")
        server.upgrade(by_pid_file)
        server.predecessors_end()
        self.assertEqual(first.returncode, 0)
        self.assertEqual(server.admin("/readyz").status, 200)
        pid_file = server.pid_file
        server.stop()
        self.assertFalse(pid_file.exists())

    def test_clients_that_come_meanwhile_are_all_answered(self):
        server = self.serve()
        for tls in (False, True):
            with Visitors(server, tls) as visitors:
                for _ in range(3):
                    server.upgrade()
                    visitors.wait_for(50 if SANITIZED else 300)
            print(f"\n{'TLS' if tls else 'plain'}: {visitors.answered} connections during 3 upgrades")
            self.assertEqual(visitors.errors, [])
            server.predecessors_end()

    def test_the_number_of_loops_may_change(self):
        server = self.serve("workers = 3", workers=None)
        with Visitors(server, tls=False, threads=4) as visitors:
            for workers in (1, 4, 2):
                settings = f"workers = {workers}"
                server.config.write_text(self.configuration(settings, server.pid_file))
                server.upgrade()
                visitors.wait_for(300)
                self.assertIn(f"ready: {workers} loops", server.log())
        self.assertEqual(visitors.errors, [])
        server.predecessors_end()

    def test_load_goes_on(self):
        server = self.serve()
        seconds = 6
        loads = {
            "kept, h2": self.load("-c", "6", "-m", "10", "-D", str(seconds), server.url("/small.txt")),
            "kept, h1": self.load("--h1", "-c", "4", "-D", str(seconds), server.url("/small.txt", "http/1.1")),
            "kept, h1 over TLS": self.load("--h1", "-c", "4", "-D", str(seconds), server.url("/small.txt", "https/1.1")),
            "new, h2": self.load("-c", "400", "-r", "80", "-m", "1", "-n", "400", server.url("/small.txt"))}
        for _ in range(3):
            before = server.metric("requests_total")
            until("requests flow", lambda: server.metric("requests_total") > before + 200)
            server.upgrade()
        for name, load in loads.items():
            with self.subTest(name):
                output = load.communicate(timeout=2 * DEADLINE)[0]
                numbers = {word: int(count) for count, word in
                           re.findall(r"(\d+) (done|succeeded|failed|errored|timeout|2xx|[345]xx)", output)}
                print(f"\n{name}: {numbers['done']} requests during 3 upgrades")
                self.assertGreater(numbers["done"], 100, output)
                if name == "kept, h2":  # h2load asks on where it was told GOAWAY, and counts what it may not send (RFC 9113 §6.8)
                    self.assertEqual(numbers["failed"], numbers["errored"], output)
                    self.assertLessEqual(numbers["errored"], 3 * 6 * 10, output)
                    numbers.update(failed=0, errored=0)
                self.assertEqual([numbers[each] for each in ("failed", "errored", "timeout", "3xx", "4xx", "5xx")], [0] * 6, output)

    @staticmethod
    def load(*arguments):
        return subprocess.Popen(["h2load", *arguments], stdout=subprocess.PIPE, text=True)

    def test_a_client_of_many_requests_over_http2_sees_none_fail(self):
        server = self.serve()
        urls, size = server.url("/a.css?[1-3000]"), len((self.root / "site/a.css").read_bytes())
        client = subprocess.Popen(["curl", "-sSk", "--http2", "--fail", "-w", "%{num_connects}\n", urls], stdout=subprocess.PIPE)
        body = client.stdout.read(300 * size)  # what it may not write yet, it does not ask for
        for _ in range(3):
            server.upgrade()
            body += client.stdout.read(600 * size)
        body += client.stdout.read()
        client.stdout.close()
        connects = re.findall(rb"^\d+$", body, re.M)
        self.assertEqual((client.wait(DEADLINE), len(connects)), (0, 3000))
        self.assertEqual(sum(map(int, connects)), 4)  # a new connection per server, and no more

    def test_a_download_outlives_two_upgrades(self):
        server = self.serve()
        for protocol, options in (("h2", ["--http2"]), ("https/1.1", ["--http1.1"]), ("http/1.1", ["--http1.1"])):
            client = subprocess.Popen(["curl", "-sSkN", *options, server.url("/big.mp4", protocol)], stdout=subprocess.PIPE)
            size = len(client.stdout.read(1000))
            server.upgrade()
            server.upgrade()
            size += len(client.stdout.read())
            client.stdout.close()
            self.assertEqual((client.wait(DEADLINE), size), (0, BIG), protocol)
        server.predecessors_end()

    def refused(self, server):
        answer = server.admin("/upgrade", "POST")
        body = json.loads(answer.body)
        self.assertFalse(body["upgraded"])
        return answer.status, body["reason"]

    def test_a_program_that_does_not_start_changes_nothing(self):
        server = self.serve()
        old = server.process.pid
        with Visitors(server, tls=False) as visitors:
            server.install("#!/bin/sh\necho broken >&2\nexit 3\n")
            status, reason = self.refused(server)
            self.assertEqual(status, 422)
            self.assertIn("status 3", reason)
            self.assertIn(reason, server.log())
            server.install("#!/bin/sh\nkill -9 $$\n")
            self.assertIn("signal 9", self.refused(server)[1])
            server.install("no program at all")
            self.assertEqual(self.refused(server)[0], 422)
            server.program.unlink()
            self.assertEqual(self.refused(server)[0], 422)
            server.install()
            good = server.config.read_text()
            server.config.write_text(good + 'roott = "x"\n')
            status, reason = self.refused(server)
            self.assertEqual(status, 422)
            self.assertRegex(reason, r"selvage\.toml:\d+:\d+: .*roott")
            done = self.command("--admin", f"127.0.0.1:{server.ports['admin']}")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("roott", done.stderr)
            server.config.write_text(good)
            self.assertEqual(server.serving(), old)
            self.assertIsNone(server.process.poll())
            until("the disk is ours again", lambda: server.metric("cache_disk_online") == 1)
            server.upgrade()
        self.assertEqual(visitors.errors, [])
        server.predecessors_end()

    def test_there_is_one_at_a_time_and_the_end_of_the_server_ends_it(self):
        server = self.serve()
        server.install("#!/bin/sh\nexec sleep 1000\n")
        first = subprocess.Popen(["curl", "-sS", "-X", "POST", f"http://127.0.0.1:{server.ports['admin']}/upgrade"],
                                 stdout=subprocess.PIPE)
        until("it has begun", lambda: "starting" in server.log())
        self.assertEqual(self.refused(server), (409, "an upgrade is under way"))
        self.assertEqual(server.get("/small.txt").status, 200)
        server.stop()
        first.communicate(timeout=DEADLINE)

    def test_nothing_is_left_behind(self):
        server = self.serve()
        server.get("/a.css", fields={"Accept-Encoding": "br"})
        counts = []
        for _ in range(4):
            server.upgrade()
            server.predecessors_end()
            until("the workers are up", lambda: server.metric("transform_workers_ready") == len(server.workers()))
            counts.append(server.descriptors())
            until(f"as many descriptors as before: {counts}", lambda: server.descriptors() <= counts[0])
        for worker in server.workers():  # the sockets are not theirs
            links = [os.readlink(link) for link in pathlib.Path(f"/proc/{worker}/fd").iterdir()]
            self.assertLessEqual(sum(link.startswith("socket:") for link in links), 1, links)

    def test_the_cache_goes_with_it(self):
        server = self.serve()
        coded = server.get("/a.css", fields={"Accept-Encoding": "br"})
        until("it is coded and stored", lambda: server.get("/a.css", fields={"Accept-Encoding": "br"})["content-encoding"] == "br"
              and server.metric('cache_objects{tier="disk"}') >= 1)
        server.upgrade()
        self.assertEqual(coded.status, 200)
        self.assertEqual(server.metric("cache_disk_online"), 1)
        self.assertGreaterEqual(server.metric('cache_objects{tier="disk"}'), 1)
        self.assertEqual(server.get("/a.css", fields={"Accept-Encoding": "br"})["content-encoding"], "br")

    def test_a_service_manager_is_told(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(folder + "/notify")
            manager.settimeout(DEADLINE)
            server = self.serve(environment={"NOTIFY_SOCKET": folder + "/notify"})
            self.assertEqual(manager.recv(1000).decode(), f"READY=1\nMAINPID={server.process.pid}")
            server.upgrade()
            said = {manager.recv(1000).decode() for _ in range(2)}
            self.assertEqual(said, {f"READY=1\nMAINPID={server.process.pid}", f"MAINPID={server.process.pid}"})

    def test_clients_that_wait_in_the_queue_when_a_server_ends_are_answered(self):
        server = self.serve(workers=1)
        os.kill(server.process.pid, signal.SIGSTOP)  # it accepts nobody, the kernel does
        waiting = [server.connect() for _ in range(20)]
        for connection in waiting:
            connection.sendall(REQUEST)
        server.send(signal.SIGTERM)
        os.kill(server.process.pid, signal.SIGCONT)
        for connection in waiting:
            self.assertTrue(read_all(connection).endswith(b"small"))
            connection.close()
        server.stop(number=None)  # told already: a second signal would end it at once


if __name__ == "__main__":
    unittest.main()
