#!/usr/bin/python3
"""The access log: one line of JSON per request, none lost, the file renewed on SIGUSR1."""
import json
import signal
import tempfile
import unittest

from selvage import Server
from server_case import write
from waiting import until


class AccessLog(unittest.TestCase):
    KEYS = {"time", "client", "method", "host", "target", "protocol", "status", "bytes", "duration_us", "first_byte_us", "cache",
            "complete"}

    def lines(self, path):
        return [json.loads(line) for line in path.read_text().splitlines(keepends=True)
                if line.endswith("\n")] if path.exists() else []

    def test_one_json_line_per_request_and_a_new_file_after_sigusr1(self):
        with tempfile.TemporaryDirectory(prefix="selvage-root-") as root:
            write(root, {"index.html": b"x" * 1000})
            with Server(root, arguments=["--access-log", f"{root}.log"]) as server:
                log, moved = server.root.with_suffix(".log"), server.root.with_suffix(".log.1")
                self.addCleanup(lambda: [path.unlink(missing_ok=True) for path in (log, moved)])
                for path in ("/", '/"quoted"?a=b&c=%22', "/nowhere"):
                    server.get(path, "https/1.1", more=["-A", 'a "strange" agent \t\\ é'])
                server.raw(b"GET /refused HTTP/1.1\r\n\r\n")
                first = until("four lines", lambda: len(self.lines(log)) == 4 and self.lines(log))
                for line in first:
                    self.assertLessEqual(self.KEYS, set(line), line)
                by_target = {line["target"]: line for line in first}  # several loops write: the order is theirs
                home = by_target["/"]
                self.assertEqual([home[key] for key in ("method", "target", "protocol", "status", "bytes", "client", "complete")],
                                 ["GET", "/", "http/1.1", 200, 1000, "127.0.0.1", True])
                self.assertIn('/"quoted"?a=b&c=%22', by_target)
                self.assertEqual(by_target["/refused"]["status"], 400)
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


if __name__ == "__main__":
    unittest.main()
