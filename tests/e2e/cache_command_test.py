#!/usr/bin/python3
"""`selvage cache ls|stat|verify`: what is stored, read beside a running server and without one."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from coded import SCRIPT, best
from selvage import PROGRAM, Server
from server_case import write
from waiting import DEADLINE, until


class CacheCommand(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-cache-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.cache = self.folder / "cache"
        self.log = self.cache / "objects" / "log-1"
        self.scripts = {f"/{name}.js": SCRIPT + name.encode() for name in ("one", "two", "three")}
        write(self.folder, {f"root{path}": script for path, script in self.scripts.items()})

    def cache_command(self, verb, *more):
        return subprocess.run([PROGRAM, "cache", verb, "--cache", self.cache, *more], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE)

    def stat(self):
        done = self.cache_command("stat", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def listed(self, *more):
        done = self.cache_command("ls", "--json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def serve_all(self):
        """A server with everything stored."""
        server = Server(self.folder / "root", cache=self.cache)
        for path in self.scripts:
            best(server, path, "gzip")
        until("all is on the disk", lambda: self.stat()["objects"] >= len(self.scripts))
        return server

    def fill(self):
        with self.serve_all():
            pass

    def test_beside_a_running_server_the_store_is_read_and_nothing_is_wrong(self):
        with self.serve_all() as server:
            stat = self.stat()
            self.assertTrue(stat["running"])
            self.assertEqual(stat["segments"][-1]["state"], "open")
            self.assertEqual(sum(stat["age_seconds"]["counts"]), stat["objects"])
            done = self.cache_command("verify")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("nothing is wrong", done.stdout)
            self.assertEqual(server.admin("/readyz").status, 200)

    def test_of_a_stopped_server_all_objects_are_listed_the_newest_first(self):
        self.fill()
        stat = self.stat()
        self.assertFalse(stat["running"])
        self.assertLessEqual(stat["live_bytes"], stat["bytes"])
        objects = self.listed()
        self.assertEqual(len(objects), stat["objects"])
        self.assertEqual(objects, sorted(objects, key=lambda each: -each["created"]))
        for each in objects:
            self.assertGreater(each["bytes"], 0)
            self.assertEqual(each["parts_missing"], 0)
            self.assertIn("interim", each["meta"], "the server's own lines of the object")
        self.assertEqual(len(self.listed("--limit", "2")), 2)

        lines = self.cache_command("ls").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], [each["key"] for each in objects])
        self.assertIn("segments of", self.cache_command("stat").stdout)

    def test_verify_names_what_is_wrong_and_exits_with_1(self):
        self.fill()
        before = {path: path.stat().st_mtime_ns for path in self.log.iterdir()}
        done = self.cache_command("verify")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.log.iterdir()}, before)

        victim = self.listed()[0]
        file = self.log / f"segment.{victim['segment']:05}"
        with file.open("r+b") as segment:  # one bit, in the middle of its body
            segment.seek(victim["offset"] + 400)
            byte = segment.read(1)[0]
            segment.seek(-1, 1)
            segment.write(bytes([byte ^ 4]))
        done = self.cache_command("verify")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"wrong: {file.name} at {victim['offset']}:", done.stdout)
        findings = json.loads(self.cache_command("verify", "--json").stdout)["findings"]
        self.assertEqual([(each["file"], each["offset"]) for each in findings], [(file.name, victim["offset"])])

    def test_the_folder_is_that_of_the_configuration_when_none_is_named(self):
        self.fill()
        config = self.folder / "selvage.toml"
        config.write_text(f'[cache]\npath = "{self.cache}"\n[[site]]\nroot = "{self.folder}/root"\n')
        done = subprocess.run([PROGRAM, "cache", "stat", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.log), done.stdout)

    def test_where_there_is_no_store_it_says_so_and_makes_none(self):
        for verb in ("ls", "stat", "verify"):
            done = self.cache_command(verb)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no store", done.stderr)
        self.assertFalse(self.cache.exists())


if __name__ == "__main__":
    unittest.main()
