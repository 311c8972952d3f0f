#!/usr/bin/python3
"""`selvage warm`: the cache of a running server is filled before anybody asks."""
import pathlib
import subprocess
import unittest

import pictures
from selvage import PROGRAM, SANITIZER, Server
from server_case import ServerCase, write
from waiting import DEADLINE, until

AVIF = "image/avif,image/webp,*/*;q=0.8"
PAGE = b"""<!doctype html><title>Warm</title>
<link rel=preload as=image href="/a.jpg?w=48" imagesrcset="/a.jpg?w=64&amp;fm=webp 1x">
<img src="/a.jpg" srcset="sub/b.jpg?w=32 32w, sub/b.jpg?w=48 48w"><img src="https://elsewhere.example/c.jpg?w=1">
"""


def warm(*words, status=0):
    done = subprocess.run([PROGRAM, "warm", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=DEADLINE)
    assert not SANITIZER.search(done.stderr), done.stderr
    assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if status == 0 else done.stdout + done.stderr


class WarmCommand(ServerCase):
    @classmethod
    def prepare(cls):
        write(cls.root, {"a.jpg": pictures.jpeg(100, 80), "sub/b.jpg": pictures.jpeg(60, 40, seed=2), "blog/page.html": PAGE,
                         "blog/sub/b.jpg": pictures.jpeg(60, 40, seed=3), "notes.txt": b"text",
                         "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="20"/>'})

    @classmethod
    def start(cls):
        cls.log_file = pathlib.Path(cls.temporary.name + ".log")
        cls.addClassCleanup(lambda: cls.log_file.unlink(missing_ok=True))
        return Server(cls.root, arguments=("--access-log", cls.log_file))

    def warm(self, *words, status=0):
        return warm("--url", self.server.url("", "http/1.1"), *words, status=status)

    def hit(self, target, accept=AVIF):
        response = self.server.get(target, fields={"Accept": accept})
        self.assertEqual(response.status, 200, target)
        return "; hit" in response["cache-status"]

    def test_every_image_at_every_width_that_is_not_above_its_own(self):
        listed = self.warm("--ladder=20,80,4000", self.root, "--dry-run").splitlines()
        targets = {line.split("\t")[0].partition(str(self.server.ports["http"]))[2] for line in listed}
        self.assertEqual(targets, {"/a.jpg?w=20", "/a.jpg?w=80", "/sub/b.jpg?w=20", "/blog/sub/b.jpg?w=20"})
        self.assertEqual(len(listed), 3 * len(targets), "AVIF, WebP, neither")
        self.assertRegex(self.warm("--ladder=20,80", self.root), r"^12 asked: 0 were there, 12 made, 0 failed; .+ in .+ s\n$")
        self.assertTrue(all(self.hit(target, accept) for target in targets for accept in (AVIF, "image/webp", "*/*")))
        self.assertIn("12 asked: 12 were there, 0 made, 0 failed", self.warm("--ladder=20,80", self.root, "--jobs", 5))

    def test_what_pages_show(self):
        wanted = {"/a.jpg?w=48", "/a.jpg?w=64&fm=webp", "/a.jpg", "/blog/sub/b.jpg?w=32", "/blog/sub/b.jpg?w=48"}
        for source in (self.root, self.root / "blog/page.html", self.server.url("/blog/page.html", "http/1.1")):
            lines = self.warm("--from-html", source, *([] if "http" in str(source) else [self.root]), "--dry-run").splitlines()
            self.assertEqual({line.split("\t")[0].partition(str(self.server.ports["http"]))[2] for line in lines}, wanted, source)
        self.assertIn(" 0 failed", warm("--from-html", self.server.url("/blog/page.html", "http/1.1"), "--formats", "avif"))
        self.assertTrue(all(self.hit(target) for target in wanted))

    def test_what_an_access_log_says_the_most_frequent_first(self):
        asked = {"/a.jpg?w=71": 3, "/a.jpg?w=72": 1, "/notes.txt": 4, "/none.jpg": 5}
        for target, times in asked.items():
            for _ in range(times):
                self.server.get(target, "http/1.1")

        def ours():  # the other tests ask for other things
            return [line for line in self.log_file.read_text().splitlines() if any(f'"{target}"' in line for target in asked)]

        until("the log is written", lambda: len(ours()) >= sum(asked.values()))
        (self.root / "ours.log").write_text("\n".join(ours()))
        lines = self.warm("--from-access-log", self.root / "ours.log", "--top", 1, "--dry-run").splitlines()
        self.assertEqual({line.split("?")[-1].split("\t")[0] for line in lines}, {"w=71"})
        log = self.root / "common.log"
        log.write_text('1.2.3.4 - - [20/Nov/2026:13:55:01 +0000] "GET /a.jpg?w=73 HTTP/1.1" 200 23 "-" "Mozilla"\nnonsense\n')
        self.assertIn("3 asked: 0 were there, 3 made", self.warm("--from-access-log", log))
        self.assertTrue(self.hit("/a.jpg?w=73"))

    def test_what_was_made_fast_is_made_better_when_that_is_wanted(self):
        self.warm("--ladder=90", self.root, "--better")
        until("it is final", lambda: self.server.get("/a.jpg?w=90", fields={"Accept": AVIF})["x-img"].startswith("hit;"))

    def test_what_fails_is_named(self):
        log = self.root / "gone.log"
        log.write_text('1.2.3.4 - - [t] "GET /gone.jpg?w=73 HTTP/1.1" 200 23\n')
        said = self.warm("--from-access-log", log, "--formats", "webp", status=1)
        self.assertIn("selvage: /gone.jpg?w=73 (image/webp,*/*;q=0.8): 404", said)
        self.assertIn("1 asked: 0 were there, 0 made, 1 failed", said)
        self.assertIn("nothing to ask for", self.warm(status=2))
        self.assertIn("expected avif, webp or fallback", self.warm("--ladder", self.root, "--formats", "bmp", status=2))
        self.assertIn("expected widths of 1…8192", self.warm("--ladder=0", self.root, status=2))
        self.assertIn("--ladder needs the site's folder", self.warm("--ladder", status=2))
        self.assertIn(" 0 made, 3 failed", warm("--url", "http://127.0.0.1:1", "--ladder=90", self.root, status=1))


class BusyServer(ServerCase):
    @classmethod
    def prepare(cls):
        write(cls.root, {"a.jpg": pictures.jpeg(100, 80)})

    @classmethod
    def start(cls):
        config = f"""[image]\nclient_misses = 4\nclient_misses_burst = 4\nupgrade = false\n[limits]\naddress_exempt = []
            [[site]]\nhosts = ["pictures.example"]\nroot = "{cls.root}"\n"""
        return Server(config=config)

    def test_it_is_left_alone_for_as_long_as_it_says(self):
        said = warm("--url", self.server.url("", "http/1.1"), "--host", "pictures.example", "--ladder=10,11,12,13,14,15,16,17", self.root,
                    "--formats", "webp")
        self.assertIn("8 asked: 0 were there, 8 made, 0 failed", said)
        self.assertRegex(said, r"; \d+ times told to wait")

    def test_the_configuration_says_where_it_is_and_what_it_serves(self):
        config = self.server.folder / "other.toml"
        config.write_text(f'[server]\nlisten = ["https://0.0.0.0:{self.server.ports["https"]}"]\n' +
                          self.server.config.read_text().replace("[limits]\naddress_exempt = []", ""))
        self.assertRegex(warm("--config", config, "--ladder=10", "--formats", "webp"), "1 asked: . were there, . made, 0 failed")


if __name__ == "__main__":
    unittest.main()
