#!/usr/bin/python3
"""Running it: health, metrics, the access log, and how it starts, drains and stops."""
import collections
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from selvage import DEADLINE, PROGRAM, Server, ServerCase, read_all, until, write

BIG = 48 << 20  # more than sockets and pipes hold


class Admin(ServerCase):
    files = {"index.html": b"<p>home</p>" * 100}

    def test_health_and_readiness(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.server.admin(path).status, 200)
            self.assertEqual(self.server.admin(path, "POST").status, 405)
            self.assertEqual(self.server.get(path).status, 404)  # not for the public
        self.assertEqual(self.server.admin("/unknown").status, 404)

    def test_metrics_are_prometheus_text(self):
        self.server.get("/")
        response = self.server.admin("/metrics")
        self.assertTrue(response["content-type"].startswith("text/plain; version=0.0.4"))
        helps, types, samples = collections.Counter(), {}, set()
        sample = re.compile(r'([a-z][a-z0-9_]*)((?:\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\})?) (-?[0-9.e+]+|NaN|\+Inf)')
        for line in response.body.decode().splitlines():
            if line.startswith("# HELP "):
                helps[line.split()[2]] += 1
                self.assertGreater(len(line.split(" ", 3)[3]), 5, line)
            elif line.startswith("# TYPE "):
                self.assertNotIn(line.split()[2], types, "a family has one TYPE")
                types[line.split()[2]] = line.split()[3]
            else:
                matched = sample.fullmatch(line)
                self.assertTrue(matched, line)
                self.assertNotIn(matched[0].rsplit(" ", 1)[0], samples, "a sample is there once")
                samples.add(matched[0].rsplit(" ", 1)[0])
                family = matched[1] if matched[1] in types else re.sub("_(bucket|sum|count)$", "", matched[1])
                self.assertIn(family, types, line)
                self.assertEqual(family, list(types)[-1], "the samples of a family stand together")
        self.assertEqual(set(helps.values()), {1})
        self.assertEqual(set(helps), set(types))
        for family in ("requests_total", "response_body_bytes_total", "request_duration_seconds", "connections_open", "transforms_total", "transform_outcomes_total",
                       "cache_bytes", "cache_objects", "cache_evictions_total", "worker_restarts_total", "reloads_total"):
            self.assertIn("selvage_" + family, types)

    def test_requests_are_counted_by_protocol_status_and_verdict_and_timed(self):
        before = self.server.metrics()
        for _ in range(3):
            self.server.get("/", "h2")
        self.server.get("/nowhere", "http/1.1")
        after = self.server.metrics()
        more = {name: value - before.get(name, 0) for name, value in after.items()}
        self.assertEqual(sum(value for name, value in more.items() if re.match(r'requests_total\{protocol="h2",status="200"', name)), 3)
        self.assertEqual(sum(value for name, value in more.items() if re.match(r'requests_total\{protocol="http/1.1",status="404"', name)), 1)
        self.assertEqual(more["request_duration_seconds_count"], 4)
        buckets = [value for name, value in after.items() if name.startswith("request_duration_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], after["request_duration_seconds_count"])
        self.assertGreaterEqual(more["response_body_bytes_total"], 3300)


class AccessLog(unittest.TestCase):
    KEYS = {"time", "client", "method", "host", "target", "protocol", "status", "bytes", "duration_us", "first_byte_us", "cache", "complete"}

    def lines(self, path):
        return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] if path.exists() else []

    def test_one_json_line_per_request_and_a_new_file_after_sigusr1(self):
        with tempfile.TemporaryDirectory(prefix="selvage-root-") as root:
            write(root, {"index.html": b"x" * 1000})
            with Server(root, arguments=["--access-log", f"{root}.log"]) as server:
                log, moved = server.root.with_suffix(".log"), server.root.with_suffix(".log.1")
                self.addCleanup(lambda: [path.unlink(missing_ok=True) for path in (log, moved)])
                for path in ("/", '/"quoted"?a=b&c=%22', "/nowhere"):
                    server.get(path, "https/1.1", more=["-A", 'a "strange" agent \t\\ é'])
                server.raw(b"GET / HTTP/1.1\r\n\r\n")
                first = until("four lines", lambda: len(self.lines(log)) == 4 and self.lines(log))
                for line in first:
                    self.assertLessEqual(self.KEYS, set(line), line)
                by_target = {line["target"]: line for line in first}  # several loops write: the order is theirs
                home = by_target["/"]
                self.assertEqual([home[key] for key in ("method", "target", "protocol", "status", "bytes", "client", "complete")],
                                 ["GET", "/", "http/1.1", 200, 1000, "127.0.0.1", True])
                self.assertIn('/"quoted"?a=b&c=%22', by_target)
                self.assertEqual(sorted(line["status"] for line in first), [200, 400, 404, 404])
                self.assertRegex(home["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

                log.rename(moved)
                server.send(signal.SIGUSR1)
                until("the file anew", log.exists)
                for _ in range(20):
                    server.get("/", "h2")
            self.assertEqual(len(self.lines(moved)) + len(self.lines(log)), 24)  # nothing is lost, also of the last moment
            self.assertEqual({line["protocol"] for line in self.lines(log)}, {"h2"})

    def test_it_may_go_to_stderr(self):
        with tempfile.TemporaryDirectory(prefix="selvage-root-") as root:
            server = Server(root, arguments=["--access-log", "stderr"])
            server.get("/nowhere")
            log = server.stop()
            [line] = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
            self.assertEqual((line["status"], line["target"]), (404, "/nowhere"))


class Stopping(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-root-")
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name
        write(self.root, {"big.mp4": b"A" * BIG, "small.txt": b"small"})

    def refused(self, server):
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    def test_a_signal_drains_what_is_under_way_and_takes_nothing_new(self):
        for number, protocol in ((signal.SIGTERM, "h2"), (signal.SIGINT, "https/1.1"), (signal.SIGTERM, "http/1.1")):
            server = Server(self.root)
            options = ["--http2"] if protocol == "h2" else ["--http1.1"]
            client = subprocess.Popen(["curl", "-sSkN", *options, server.url("/big.mp4", protocol)], stdout=subprocess.PIPE)
            size = len(client.stdout.read(1000))
            server.send(number)
            until("new connections are refused", lambda: self.refused(server))
            self.assertIsNone(server.process.poll())
            size += len(client.stdout.read())
            client.stdout.close()
            self.assertEqual((client.wait(DEADLINE), size), (0, BIG), protocol)
            server.stop()  # has ended by itself: exit status 0

    def test_idle_connections_do_not_hold_it(self):
        server = Server(self.root)
        idle = [server.connect(), server.connect(tls=True, alpn=["http/1.1"])]
        idle[1].sendall(b"GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertTrue(idle[1].recv(100).startswith(b"HTTP/1.1 200"))
        server.stop()
        for connection in idle:
            connection.close()

    def test_nghttp_sees_the_goaway_and_its_download_to_the_end(self):
        server = Server(self.root)
        client = subprocess.Popen(["nghttp", "-nv", server.url("/big.mp4")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output = client.stdout.read(4000)
        server.send(signal.SIGTERM)
        output += client.stdout.read()
        client.stdout.close()
        client.wait(DEADLINE)
        server.stop()
        self.assertIn(b"recv GOAWAY frame", output)
        received = sum(int(length) for length in re.findall(rb"recv DATA frame <length=(\d+)", re.sub(rb"\x1b\[[0-9;]*m", b"", output)))
        self.assertEqual(received, BIG)

    def test_goaway_comes_in_two_steps(self):  # RFC 9113 §6.8
        server = Server(self.root)
        connection = server.connect(tls=True, alpn=["h2"])
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4) + bytes(3) + b"\x04\x01" + bytes(4))
        frames = self.frames(connection)
        next(frame for frame in frames if frame[0] == 4 and frame[1] & 1)  # our SETTINGS are acknowledged
        server.send(signal.SIGTERM)
        goaways = []
        for kind, flags, payload in frames:
            if kind == 6 and not flags & 1:
                connection.sendall(b"\x00\x00\x08\x06\x01" + bytes(4) + payload)
            if kind == 7:
                goaways.append(struct.unpack(">II", payload[:8]))
        connection.close()
        server.stop()
        self.assertEqual(goaways, [(0x7fffffff, 0), (0, 0)])

    def frames(self, connection):
        """(type, flags, payload) of each frame until the connection ends."""
        with connection.makefile("rb") as file:
            while len(head := file.read(9)) == 9:
                yield head[3], head[4], file.read(int.from_bytes(head[:3], "big"))

    def test_a_client_that_takes_nothing_is_cut_off_at_the_deadline(self):
        server = Server(config=f'[server]\ndrain_timeout = "1s"\n[[site]]\nroot = "{self.root}"\n')
        connection = server.connect()
        connection.sendall(b"GET /big.mp4 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.recv(1)
        server.stop()
        self.assertLess(len(read_all(connection)), BIG)
        connection.close()


class Starting(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-start-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        write(self.folder, {"root/index.html": b"<p>home</p>" * 200})

    def run_on(self, port):
        return subprocess.run([PROGRAM, "serve", f"{self.folder}/root", "--listen", f"http://127.0.0.1:{port}", "--cache", f"{self.folder}/cache2"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)

    def test_port_0_is_chosen_and_printed(self):
        with Server(f"{self.folder}/root") as server:
            self.assertEqual(len(server.announced), 3)
            self.assertTrue(all(port > 0 for port in server.ports.values()))
            self.assertRegex(server.log(), "ready")

    def test_a_port_in_use_is_an_error_that_names_it(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.run_on(port)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(str(port), done.stderr)
        self.assertIn("in use", done.stderr)

    def test_a_port_of_another_selvage_is_in_use_too(self):
        with Server(f"{self.folder}/root") as server:
            process = subprocess.Popen([PROGRAM, "serve", f"{self.folder}/root", "--listen", f"http://127.0.0.1:{server.ports['http']}", "--cache", f"{self.folder}/cache2"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                line = process.stdout.readline()  # says that it listens, or ends
                if line:
                    process.terminate()
                errors = process.communicate(timeout=DEADLINE)[1]
            finally:
                process.kill()
                process.wait()
            self.assertEqual((line, process.returncode), ("", 1), "two servers share the port")
            self.assertIn("in use", errors)

    def test_the_development_certificate_is_made_once_and_kept(self):
        def served():
            with Server(f"{self.folder}/root", cache=f"{self.folder}/cache") as server, server.connect(tls=True) as connection:
                return connection.getpeercert(binary_form=True)
        self.assertEqual(served(), served())

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
                    until("each is coded", lambda: server.get(f"/{i}.js", fields={"Accept-Encoding": "gzip"})["content-encoding"] == "gzip")
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
