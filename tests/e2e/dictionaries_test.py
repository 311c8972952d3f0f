#!/usr/bin/python3
"""Differences between releases (RFC 9842), over TLS with real clients: curl asks, zstd decodes. static-delivery §5."""
import base64
import hashlib
import json
import os
import pathlib
import random
import string
import tempfile
import unittest

from dcz import CHROMIUM, HEADER, VARY, available, decoded
from selvage import Server
from server_case import write
from waiting import until


def script(release, size=120_000):
    """Like a minified bundle: releases differ in some of its functions."""
    words = random.Random(7)
    lines, length = [], 0
    while length < size:
        name = "".join(words.choices(string.ascii_letters, k=6))
        line = f"export function {name}(a,b){{return a*{words.randrange(10_000)}+b}}\n"
        if words.random() < 0.02:
            line = f"export function {name}(a){{return a-{release * 31 + words.randrange(100)}}}\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()


def hashed(stem, extension, content):
    """The name that a bundler gives it: eight characters, of which no word is made."""
    digits = base64.b32hexencode(hashlib.sha256(content).digest()).decode().lower()
    return f"{stem}-{digits[:3]}7Q{digits[3:6]}.{extension}"


class Dictionaries(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="selvage-root-")
        self.addCleanup(self.temporary.cleanup)
        self.root = pathlib.Path(self.temporary.name)
        self.first, self.second, self.third = script(1), script(2), script(3)
        self.old, self.new, self.newest = (
            "/assets/" + hashed("index", "js", content) for content in (self.first, self.second, self.third))
        chunk = script(4, 40_000)
        self.chunk = "/assets/" + hashed("settings", "js", chunk)
        write(self.root, {self.old[1:]: self.first, self.chunk[1:]: chunk, "index.html": b"<script type=module src=" + self.old.encode() + b"></script>"})
        self.start()

    def start(self, settings="", cache=None):
        self.access = self.root.parent / (self.root.name + ".access")
        self.addCleanup(lambda: self.access.unlink(missing_ok=True))
        config = (f'[server]\naccess_log = "{self.access}"\n{settings}\n[[site]]\nhosts = ["*"]\nroot = "{self.root}"\n'
                  '[[site.rule]]\nmatch = "/mine/**"\nheaders = {"Cache-Control" = "private, max-age=31536000"}\n')
        self.server = Server(config=config, cache=cache)
        self.addCleanup(self.stop)

    def stop(self):
        if self.server:
            server, self.server = self.server, None
            server.stop()

    def ask(self, path, dictionary=None, protocol="h2", accept=CHROMIUM, fields=None, **more):
        fields = {"Accept-Encoding": accept, **(fields or {})}
        if dictionary is not None:
            fields["Available-Dictionary"] = available(dictionary)
        return self.server.get(path, protocol, fields=fields, **more)

    def wait_for_offer(self, path):
        until("the file is indexed", lambda: self.ask(path)["use-as-dictionary"])

    def deploy(self, content, path, before):
        write(self.root, {path[1:]: content, "index.html": b"<script type=module src=" + path.encode() + b"></script>"})
        (self.root / before[1:]).unlink()
        self.wait_for_offer(path)

    def logged(self, path):
        """The lines of the access log of this path, once there is one for each request so far."""
        return [line for line in map(json.loads, self.access.read_text().splitlines()) if line["target"] == path]

    def test_a_returning_visitor_gets_the_difference(self):
        self.wait_for_offer(self.old)
        offer = self.ask(self.old)["use-as-dictionary"]
        self.assertIn('match="/assets/*.js"', offer)  # the largest of its folder
        self.assertIn('match="/assets/settings-*.js"', self.ask(self.chunk)["use-as-dictionary"])
        self.assertIn('match-dest=("script")', offer)
        self.assertIn(f'id="{hashlib.sha256(self.first).hexdigest()[:16]}"', offer)
        self.deploy(self.second, self.new, self.old)

        plain = self.ask(self.new, accept="gzip, deflate, br, zstd")
        answer = self.ask(self.new, self.first)
        self.assertEqual(answer["content-encoding"], "dcz")
        self.assertEqual(answer.body[:40], HEADER + hashlib.sha256(self.first).digest())
        self.assertEqual(decoded(answer.body, self.first), self.second)
        self.assertLess(len(answer.body), len(plain.body) / 5)
        self.assertEqual(answer["vary"], VARY)
        self.assertIn(f"-dcz.{hashlib.sha256(self.first).hexdigest()[:8]}", answer["etag"])
        self.assertIn("match=", answer["use-as-dictionary"])
        until("the log has its bytes", lambda: any(line["bytes"] == len(answer.body) for line in self.logged(self.new)))
        self.assertGreater(self.server.metric("dictionary_bytes_saved_total"), 0)
        self.assertGreater(self.server.metric("dictionaries_offered_total"), 0)

        with self.subTest("and the next, from what came as a difference"):
            self.deploy(self.third, self.newest, self.new)
            answer = self.ask(self.newest, self.second)
            self.assertEqual(decoded(answer.body, self.second), self.third)
        with self.subTest("and who missed a release"):
            answer = self.ask(self.newest, self.first)
            self.assertEqual(decoded(answer.body, self.first), self.third)

    def test_it_is_made_before_anybody_asks(self):
        self.wait_for_offer(self.old)
        self.deploy(self.second, self.new, self.old)
        until("it is made", lambda: self.server.metric("deltas_made_total") >= 1)
        answer = self.ask(self.new, self.first)
        self.assertEqual(answer["content-encoding"], "dcz")
        self.assertFalse(answer["etag"].endswith('.fast"'), answer["etag"])
        self.assertEqual(self.server.metric('dictionary_requests_total{outcome="made"}'), 0)
        self.assertEqual(self.server.metric('dictionary_requests_total{outcome="stored"}'), 1)

    def test_only_who_may_and_asks_for_it(self):
        self.wait_for_offer(self.old)
        self.deploy(self.second, self.new, self.old)
        for reason, answer in {
                "no dictionary": self.ask(self.new),
                "an unknown one": self.ask(self.new, b"what nobody has"),
                "dcz is not named": self.ask(self.new, self.first, accept="gzip, br, zstd"),
                "dcz is refused": self.ask(self.new, self.first, accept="gzip, br, zstd, dcz;q=0"),
                "not TLS": self.ask(self.new, self.first, protocol="http/1.1"),
                "another site's picture of it": self.ask(
                    self.new, self.first, fields={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
                "a range": self.ask(self.new, self.first, fields={"Range": "bytes=0-99"}),
        }.items():
            with self.subTest(reason):
                self.assertIn(answer.status, (200, 206))
                self.assertNotEqual(answer["content-encoding"], "dcz")
        with self.subTest("nothing of it without TLS"):
            answer = self.ask(self.new, protocol="http/1.1")
            self.assertEqual(answer["vary"], "Accept-Encoding")
            self.assertFalse(answer["use-as-dictionary"])
        with self.subTest("HTTP/1.1 over TLS will do"):
            self.assertEqual(self.ask(self.new, self.first, protocol="https/1.1")["content-encoding"], "dcz")
        with self.subTest("a 304 has Vary and no offer"):
            tag = self.ask(self.new, self.first)["etag"]
            answer = self.ask(self.new, self.first, fields={"If-None-Match": tag})
            self.assertEqual((answer.status, answer["vary"]), (304, VARY))
            self.assertFalse(answer["use-as-dictionary"])

    def test_a_restart_forgets_nothing(self):
        cache = tempfile.TemporaryDirectory(prefix="selvage-cache-")
        self.addCleanup(cache.cleanup)
        self.stop()
        self.start(cache=cache.name)
        self.wait_for_offer(self.old)
        self.deploy(self.second, self.new, self.old)
        until("the best is made", lambda: self.ask(self.new, self.first)["etag"].endswith(self.tag_of(self.first)))
        self.stop()
        self.start(cache=cache.name)
        until("the release before is known", lambda: self.ask(self.new, self.first)["content-encoding"] == "dcz")
        self.assertEqual(decoded(self.ask(self.new, self.first).body, self.first), self.second)

    @staticmethod
    def tag_of(dictionary):
        return f'-dcz.{hashlib.sha256(dictionary).hexdigest()[:8]}"'

    def test_turned_off_there_is_no_trace(self):
        self.wait_for_offer(self.old)
        self.stop()
        self.start("[dictionaries]\nenabled = false\n")
        for dictionary in (None, self.first):
            answer = self.ask(self.old, dictionary)
            self.assertEqual(answer["vary"], "Accept-Encoding")
            self.assertFalse(answer["use-as-dictionary"])
            self.assertNotEqual(answer["content-encoding"], "dcz")


BUNDLES = pathlib.Path(os.environ.get("SELVAGE_SHARED_DATA", "/nowhere"), "bundles")


@unittest.skipUnless(BUNDLES.is_dir(), "no SELVAGE_SHARED_DATA")
class RealReleases(unittest.TestCase):
    """Two releases each of real packages, as two releases of one site."""

    def test_a_returning_visitor_loads_a_fifth_at_most(self):
        old, new = {}, {}
        for package in sorted(folder for folder in BUNDLES.iterdir() if folder.is_dir()):
            releases = sorted(package.iterdir(), key=lambda folder: [int(part) for part in folder.name.split(".")])
            for release, files in zip((releases[0], releases[-1]), (old, new)):
                content = next(release.iterdir()).read_bytes()
                stem, extension = package.name, next(release.iterdir()).suffix[1:]
                files[package.name] = ("/assets/" + hashed(stem, extension, content), content)
        with tempfile.TemporaryDirectory(prefix="selvage-root-") as root, Server(root) as server:
            def ask(path, accept=CHROMIUM, dictionary=None):
                named = {"Available-Dictionary": available(dictionary)} if dictionary is not None else {}
                return server.get(path, fields={"Accept-Encoding": accept, **named})
            for files in (old, new):
                write(root, {path[1:]: content for path, content in files.values()})
                for path, _ in files.values():
                    until(f"{path} is known", lambda path=path, files=files: ask(path)["vary"] == VARY)
            plain = delta = 0
            for name, (path, content) in new.items():
                before = old[name][1]
                until(f"{name} comes as a difference", lambda: ask(path, dictionary=before)["content-encoding"] == "dcz")
                answer = ask(path, dictionary=before)
                self.assertEqual(decoded(answer.body, before), content, name)
                delta += len(answer.body)
                plain += len(ask(path, "gzip, deflate, br, zstd").body)
            self.assertLess(delta, plain / 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
