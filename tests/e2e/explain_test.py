#!/usr/bin/python3
"""`selvage explain`: what would be answered, and why; without a server, or beside one. What it says is what a server does."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import pictures
from coded import SCRIPT, best
from selvage import PROGRAM, SANITIZER, Server
from server_case import write
from waiting import DEADLINE, until

VITE = ("vendor-a_3B-x9Q.js", "main-C2fKx9Tq.js", "index-D4kX_9aZ.css", "logo-dQw4w9Wg.svg", "page-B7cVq1Zt.js")
WORD_LIKE = "login-CAFUGATo.css"  # a hash that needs its folder's vote

RULES = """
[[site]]
root = "{root}"
hosts = ["example.org"]
[[site.rule]]
match = "/private/**"
bypass = true
[[site.rule]]
match = "/assets/**"
browser_ttl = "10m"
edge_ttl = "1h"
[[site]]
root = "{root}/other"
hosts = ["*.example.net"]
"""


class Explain(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-explain-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.root = self.folder / "root"
        self.cache = self.folder / "cache"
        write(self.root, {"index.html": b"<p>", "big.js": SCRIPT, "photo.jpg": pictures.jpeg(800, 600), "private/a.txt": b"a",
                          "other/b.txt": b"b", "assets/logo-overview.png": b"x",
                          **{f"assets/{name}": SCRIPT + name.encode() for name in VITE}})

    def run_it(self, *words, status=0):
        done = subprocess.run([PROGRAM, "explain", *map(str, words), "--cache", self.cache], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE, env={**os.environ, "TZ": "UTC"})
        self.assertNotRegex(done.stderr, SANITIZER)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        self.errors = done.stderr
        return done.stdout

    def explain(self, *words, status=0):
        return json.loads(self.run_it(*words, "--json", status=status))

    def configured(self):
        file = self.folder / "selvage.toml"
        file.write_text(RULES.format(root=self.root))
        return "--config", file

    # ---- names

    def test_the_rule_that_made_a_name_immutable_is_named(self):
        found = self.explain(self.root, "/assets/main-C2fKx9Tq.js")
        self.assertEqual(found["name"], ["fingerprinted: 8 characters of base64url after '-' (Vite, Rollup, Rolldown)", 'the hash is "C2fKx9Tq"'])
        self.assertEqual(found["cache-control"], ["public, max-age=31536000, immutable", "the name changes with the content"])

    def test_a_name_that_could_be_a_word_waits_for_its_folder(self):
        write(self.root / "assets", {WORD_LIKE: b"a{}"})
        path = f"/assets/{WORD_LIKE}"
        found = self.explain(self.root, path)
        self.assertIn("6 of 7 files in its folder have 8 characters of base64url after '-'", found["name"])
        self.assertEqual(found["cache-control"][0], "public, max-age=31536000, immutable")
        (self.root / "assets" / VITE[0]).unlink()
        found = self.explain(self.root, path)
        self.assertTrue(found["name"][0].startswith("not fingerprinted"), found["name"])
        self.assertTrue(found["name"][-1].endswith("fewer than 6, and others do not"), found["name"])
        self.assertEqual(found["cache-control"][0], "public, max-age=0, must-revalidate")

    def test_a_word_among_hashes_is_a_word(self):
        write(self.root / "assets", {WORD_LIKE: b"a{}", "page-D3x_kQ7p.js": b"1"})
        found = self.explain(self.root, "/assets/logo-overview.png")
        self.assertEqual(found["name"][-1], "it is a word, a number or a date: a hash would hardly come out like it")

    def test_what_is_not_there_but_looks_like_it_may_be_on_its_way(self):
        found = self.explain(self.root, "/assets/page-D3x_kQ7p.js", status=1)
        self.assertEqual(found["status"], 404)
        self.assertEqual(found["cache-control"], ["no-store", "a fingerprinted file that is not there may be on its way"])
        self.assertEqual(self.explain(self.root, "/none.js", status=1)["cache-control"][0], "public, max-age=10")

    def test_all_names_of_a_folder(self):
        text = self.run_it(self.root, "--names")
        self.assertIn("fingerprinted  /assets/main-C2fKx9Tq.js  8 characters of base64url after '-' (Vite, Rollup, Rolldown)", text)
        self.assertIn("11 files, 5 fingerprinted, 1 that might be but for their folder", text)
        rows = [json.loads(line) for line in self.run_it(self.root, "--names", "--json").splitlines()]
        self.assertEqual({row["path"] for row in rows if row["fingerprinted"]}, {f"/assets/{name}" for name in VITE})

    # ---- rules, sites

    def test_the_rule_and_what_it_changes(self):
        config = self.configured()
        found = self.explain(*config, "https://example.org/assets/main-C2fKx9Tq.js")
        self.assertEqual(found["rule"], ['number 2 of 2: match = "/assets/**"'])
        self.assertEqual(found["cache-control"][0], "public, max-age=600, s-maxage=3600")
        self.assertEqual(found["cache-control"][1:], ['max-age: the rule\'s browser_ttl, in place of "public, max-age=31536000, immutable" '
                                                      "(the name changes with the content)", "s-maxage: the rule's edge_ttl"])
        self.assertEqual(self.explain(*config, "https://example.org/private/a.txt")["cache-control"], ["no-store", "no-store: the rule's bypass"])
        self.assertEqual(self.explain(*config, "/index.html")["rule"], ["none of 2 matches /index.html"])

    def test_the_site_is_the_one_that_the_host_names(self):
        config = self.configured()
        self.assertTrue(self.explain(*config, "https://a.example.net/b.txt")["site"][0].startswith(f"{self.root}/other"))
        found = self.explain(*config, "https://elsewhere.test/", status=1)
        self.assertEqual((found["status"], found["site"]), (421, ["none has this host: 421"]))

    # ---- what is sent

    def test_what_it_says_is_what_a_server_sends(self):
        with Server(self.root, cache=self.folder / "another") as server:
            for path, fields in (("/big.js", {"Accept-Encoding": "br"}), ("/index.html", {}), ("/photo.jpg", {"Range": "bytes=0-9"}),
                                 ("/assets/main-C2fKx9Tq.js", {"Accept-Encoding": "identity"}), ("/none", {}), ("/other", {})):
                sent = server.get(path, "h2", fields=fields)
                found = self.explain(self.root, path, *[word for name, value in ({"X-None": "1"} | fields).items() for word in ("-H", f"{name}: {value}")],
                                     status=1 if sent.status >= 400 else 0)
                self.assertEqual(found["status"], sent.status, path)
                lines = dict(line.split(": ", 1) for line in found["answer"][1:])
                for name in ("content-type", "content-encoding", "cache-control", "etag", "vary", "last-modified", "location"):
                    self.assertEqual(lines.get(name), sent[name], f"{name} of {path}")

    def test_codings_are_listed_with_what_is_stored(self):
        found = self.explain(self.root, "/big.js", "-H", "Accept-Encoding: br")
        self.assertIn("nothing that the client accepts is stored yet", found["coding"][1])
        self.assertEqual(found["store"], [f"there is none in {self.cache}"])
        with Server(self.root, cache=self.cache) as server:
            best(server, "/big.js", "br")
            until("the three are on the disk", lambda: self.explain(self.root, "/big.js")["store"][0].startswith("3 made"))
            found = self.explain(self.root, "/big.js", "-H", "Accept-Encoding: br, gzip")
            self.assertTrue(found["coding"][0].startswith("br, "), found["coding"])
            self.assertEqual(found["coding"][1], "the smallest of what is stored and the client accepts")
            self.assertTrue(any("br-11, stored" in line for line in found["coding"]), found["coding"])
            self.assertTrue(any(line.endswith("(not accepted)") and line.startswith("zstd") for line in found["coding"]), found["coding"])
            self.assertIn("a server runs on it", found["store"][0])
            self.assertEqual(server.get("/big.js", "h2").status, 200)

    def test_a_sidecar_is_named(self):
        (self.root / "big.js.gz").write_bytes(gzip.compress(SCRIPT))
        found = self.explain(self.root, "/big.js", "-H", "Accept-Encoding: gzip")
        self.assertIn("sidecar", found["coding"][1])
        self.assertTrue(any("sidecar big.js.gz" in line for line in found["coding"]), found["coding"])

    # ---- images

    def test_an_image_has_a_canonical_url_and_a_plan(self):
        found = self.explain(self.root, "/photo.jpg?width=320&utm=1&fm=auto", "-H", "Accept: image/webp")
        self.assertEqual(found["image"][0], "/photo.jpg?w=320")
        self.assertIn("of jpeg of 800x600", found["image"])
        self.assertIn("utm means nothing here", found["image"])
        self.assertTrue(any(line.startswith("webp, quality") for line in found["image"]), found["image"])
        self.assertTrue(any(line.startswith("not stored: it would be made") for line in found["image"]), found["image"])
        self.assertEqual(found["answer"], ["none was asked for: the image would have to be made"])

    def test_an_image_that_is_stored_is_found(self):
        with Server(self.root, cache=self.cache) as server:
            fields = {"Accept": "image/webp"}
            self.assertEqual(server.get("/photo.jpg?w=320", "h2", fields=fields).status, 200)
            sent = until("it is final", lambda: (lambda answer: answer if "hit" in answer["x-img"] else None)(server.get("/photo.jpg?w=320", "h2", fields=fields)))

            def explained():
                found = self.explain(self.root, "/photo.jpg?w=320", "-H", "Accept: image/webp")
                return found if f"etag: {sent['etag']}" in found["answer"] else None
            found = until("it is on the disk", explained)
            self.assertTrue(any(line.startswith("stored: ") and "320x240" in line for line in found["image"]), found["image"])
            lines = dict(line.split(": ", 1) for line in found["answer"][1:])
            for name in ("content-type", "etag", "vary", "cache-control"):
                self.assertEqual(lines.get(name), sent[name], name)

    def test_an_image_that_cannot_be_served_says_why(self):
        found = self.explain(self.root, "/photo.jpg?w=0", status=1)
        self.assertTrue(found["image"][0].startswith("refused: "), found["image"])
        self.assertEqual(found["status"], 400)

    # ---- the command

    def test_for_people_each_chapter_begins_at_the_margin(self):
        lines = self.run_it(self.root, "/big.js").splitlines()
        titles = [line.split()[0] for line in lines if not line.startswith(" ")]
        self.assertEqual(titles, ["url", "site", "rule", "file", "name", "coding", "dictionary", "cache-control", "vary", "validators", "store", "answer"])
        self.assertIn("as a browser asks; -H asks otherwise", "\n".join(lines))

    def test_what_makes_no_sense(self):
        self.run_it(status=2)
        self.run_it(self.folder / "nothing", "/", status=2)
        self.run_it(self.root, "/", "-H", "no colon", status=2)
        self.run_it(self.root, "ftp://example.org/", status=2)
        self.run_it(self.root, "/%zz", status=2)
        self.assertFalse(self.cache.exists(), "nothing was made in the cache folder")


if __name__ == "__main__":
    unittest.main()
