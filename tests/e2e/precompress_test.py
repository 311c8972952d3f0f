#!/usr/bin/python3
"""`selvage precompress`: the best codings before anybody asks, in the cache of the server or beside the files."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from coded import CODINGS, SCRIPT, ask, best
from selvage import PROGRAM, Server
from server_case import write
from waiting import DEADLINE, until

EXTENSIONS = {"gzip": ".gz", "zstd": ".zst", "br": ".br"}
DECODE = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"], "br": ["brotli", "-dc"]}
OLD = 1_700_000_000


def decoded(path, coding):
    return subprocess.run(DECODE[coding], input=path.read_bytes(), stdout=subprocess.PIPE, check=True).stdout


class Precompress(unittest.TestCase):
    files = {"app.js": SCRIPT, "assets/index-Bx7Kq2Lp.css": SCRIPT + b"1", "page.html": SCRIPT + b"2", "picture.jpg": b"\xff\xd8" * 999,
             "tiny.css": b"a{}", "noise.txt": os.urandom(5000), ".hidden/secret.js": SCRIPT + b"3",
             ".well-known/security.txt": SCRIPT + b"4"}
    coded = ("app.js", "assets/index-Bx7Kq2Lp.css", "page.html", ".well-known/security.txt")

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-precompress-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.root, self.cache = self.folder / "root", self.folder / "cache"
        write(self.root, self.files)
        for name in self.files:
            os.utime(self.root / name, (OLD, OLD))

    def precompress(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, "precompress", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def server(self, root=None):
        return Server(root or self.root, cache=self.cache)

    def assert_served_at_once(self, root=None, names=coded):
        """The first answer to each is the best one, br: nothing is made."""
        with self.server(root) as server:
            stored = until("what is on the disk is known", lambda: server.metric('cache_objects{tier="disk"}') >= 3 * len(self.coded))
            self.assertTrue(stored)
            for name in names:
                first = ask(server, f"/{name}", "gzip, deflate, br, zstd")
                self.assertEqual((first.status, first["content-encoding"]), (200, "br"), name)
                self.assertNotIn(".fast", first["etag"])
                self.assertEqual(first.content, (pathlib.Path(root or self.root) / name).read_bytes())
                for coding in CODINGS:
                    self.assertEqual(ask(server, f"/{name}", coding)["content-encoding"], coding)
            until("the queue is empty", lambda: server.metric('work_queue{lane="background"}') == 0)
            self.assertEqual(server.metric("codings_made_total"), 0)

    def test_a_server_has_the_best_codings_at_its_first_answer_and_after_a_restart(self):
        done = self.precompress(self.root, "--cache", self.cache)
        self.assertIn("12 codings made", done.stdout)
        self.assertIn("text/css", done.stdout)
        self.assert_served_at_once()
        self.assert_served_at_once()

    def test_renamed_files_and_another_folder_are_not_coded_again(self):
        self.precompress(self.root, "--cache", self.cache)
        release = self.folder / "release-2"
        shutil.copytree(self.root, release)
        (release / "app.js").rename(release / "application-Cq81LmzP.js")
        self.assert_served_at_once(release, ["application-Cq81LmzP.js", *self.coded[1:]])
        self.assertIn("0 codings made, 12 were there", self.precompress(release, "--cache", self.cache).stdout)

    def test_the_configuration_says_which_sites_and_which_cache(self):
        config = self.folder / "selvage.toml"
        config.write_text(f'[cache]\npath = "{self.cache}"\n[[site]]\nroot = "{self.root}"\n')
        self.assertIn("12 codings made", self.precompress("--config", config, "--jobs", 2).stdout)
        self.assert_served_at_once()

    def test_a_cache_that_a_server_uses_is_left_alone(self):
        with self.server() as server:
            best(server, "/app.js", "br")
            done = self.precompress(self.root, "--cache", self.cache, status=1)
            self.assertIn("--write-sidecars", done.stderr)
            self.assertEqual(ask(server, "/app.js", "br").content, SCRIPT)

    def test_a_dry_run_makes_nothing(self):
        done = self.precompress(self.root, "--cache", self.cache, "--dry-run")
        self.assertEqual({line.split("\t")[0] for line in done.stdout.splitlines()}, {f"{self.root}/{name}" for name in (*self.coded, "noise.txt")})
        self.assertFalse(self.cache.exists())

    def test_sidecars_decode_to_their_files_and_have_their_time(self):
        self.precompress(self.root, "--write-sidecars")
        for name in self.coded:
            for coding, extension in EXTENSIONS.items():
                sidecar = self.root / (name + extension)
                self.assertEqual(decoded(sidecar, coding), self.files[name])
                self.assertEqual(sidecar.stat().st_mtime, OLD)
        written = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}
        self.assertEqual(written, set(self.files) | {name + extension for name in self.coded for extension in EXTENSIONS.values()})

    def test_a_server_uses_these_sidecars(self):
        self.precompress(self.root, "--write-sidecars")
        with self.server() as server:
            until("they are verified", lambda: ask(server, "/app.js", "br, gzip").body == (self.root / "app.js.br").read_bytes())
            until("the queue is empty", lambda: server.metric('work_queue{lane="background"}') == 0)
            self.assertEqual(server.metric("codings_made_total"), 0)

    def test_a_second_run_writes_what_changed_and_keeps_what_others_made(self):
        self.precompress(self.root, "--write-sidecars")
        again = self.precompress(self.root, "--write-sidecars")
        self.assertIn("0 codings made, 12 were there", again.stdout)
        write(self.root, {"app.js": SCRIPT + b"changed", "page.html": SCRIPT + b"changed too", "page.html.br": b"somebody's"})
        (self.root / "page.html.br").unlink()
        write(self.root, {"page.html.br": b"somebody's"})  # without our mark
        done = self.precompress(self.root, "--write-sidecars", status=1)
        self.assertIn("page.html: .br: it exists", done.stderr)
        self.assertEqual((self.root / "page.html.br").read_bytes(), b"somebody's")
        self.assertEqual(decoded(self.root / "app.js.br", "br"), SCRIPT + b"changed")
        self.precompress(self.root, "--write-sidecars", "--force")
        self.assertEqual(decoded(self.root / "page.html.br", "br"), SCRIPT + b"changed too")

    def test_words_that_make_no_sense(self):
        self.precompress(status=2)
        self.precompress(self.root, "--force", status=2)
        self.precompress(self.folder / "nothing here", "--cache", self.cache, status=1)


if __name__ == "__main__":
    unittest.main()
