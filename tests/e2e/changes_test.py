#!/usr/bin/python3
"""The folder changes while it is served: seen within a second, and no response is ever made of two versions."""
import base64
import hashlib
import os
import shutil
import subprocess
import threading
import time
import unittest

from PIL import Image

from clients import Client
from server_case import ServerCase, write
from waiting import DEADLINE

SEEN_WITHIN = 1.0  # seconds, from the issue
BIG = 48 << 20     # more than sockets and pipes hold


def tag_of(content):
    return '"' + base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:12]).decode() + '"'


def replace(path, content):
    """As deploy tools do: a new file under a temporary name, renamed over the old one."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.rename(path)


class Changes(ServerCase):
    files = {"index.html": b"one", "page.html": b"one", "gone.html": b"here", "tree/a.html": b"a", "swap/old/x.html": b"old x",
             "swap/new/x.html": b"new x",
             "busy.bin": b"A" * 40000, "style.css": b"a { color: red }" * 100, "releases/1/app.js": b"first",
             "releases/2/app.js": b"second"}

    @classmethod
    def prepare(cls):
        Image.new("RGB", (200, 100), "red").save(cls.root / "picture.png")
        (cls.root / "current").symlink_to("releases/1")

    def assert_seen(self, path, expected, fields=None):
        """What is asked for a second after the change, or later, is the new state."""
        changed = time.monotonic()
        with Client(self.server) as client:
            while True:
                asked = time.monotonic()
                response = client.get(path, fields)
                if expected(response):
                    return response
                self.assertLess(asked - changed, SEEN_WITHIN, f"{path} is still {response}")

    def body_is(self, content):
        return lambda response: response.status == 200 and response.content == content

    def test_a_file_changed_in_place_is_seen(self):
        for content in (b"two", b"six", b"a longer text"):  # the second one has the first one's size
            self.server.get("/page.html")
            (self.root / "page.html").write_bytes(content)
            response = self.assert_seen("/page.html", self.body_is(content))
            self.assertEqual(response["etag"], tag_of(content))

    def test_a_file_replaced_by_rename_is_seen(self):
        self.server.get("/")
        replace(self.root / "index.html", b"another home page")
        self.assert_seen("/", self.body_is(b"another home page"))
        self.assert_seen("/index.html", self.body_is(b"another home page"))

    def test_an_older_file_moved_over_a_newer_one_is_seen(self):  # a roll-back: the time of change goes backwards
        write(self.root, {"rolled.html": b"new", "earlier": b"old"})
        os.utime(self.root / "earlier", (1_000_000_000, 1_000_000_000))
        self.assertEqual(self.server.get("/rolled.html").body, b"new")
        (self.root / "earlier").rename(self.root / "rolled.html")
        self.assert_seen("/rolled.html", self.body_is(b"old"))

    def test_a_file_that_appears_is_seen(self):
        for name in ("appears.html", "fresh/folder/deep.html"):
            self.assertEqual(self.server.get("/" + name).status, 404)
            write(self.root, {name: b"here I am"})
            self.assert_seen("/" + name, self.body_is(b"here I am"))

    def test_a_file_that_goes_away_is_seen(self):
        self.assertEqual(self.server.get("/gone.html").status, 200)
        (self.root / "gone.html").unlink()
        self.assert_seen("/gone.html", lambda response: response.status == 404)
        self.assertEqual(self.server.get("/tree/a.html").status, 200)
        shutil.rmtree(self.root / "tree")
        self.assert_seen("/tree/a.html", lambda response: response.status == 404)

    def test_folders_that_change_places_are_seen(self):
        self.assertEqual(self.server.get("/swap/old/x.html").body, b"old x")
        (self.root / "swap/old").rename(self.root / "swap/older")
        (self.root / "swap/new").rename(self.root / "swap/old")
        self.assert_seen("/swap/old/x.html", self.body_is(b"new x"))

    def test_a_release_switched_by_its_link_is_seen(self):
        self.assertEqual(self.server.get("/current/app.js").body, b"first")
        link = self.root / "current.new"
        link.symlink_to("releases/2")
        link.rename(self.root / "current")
        self.assert_seen("/current/app.js", self.body_is(b"second"))

    def test_what_was_derived_follows_its_source(self):
        self.assertEqual(self.server.get("/style.css", fields={"Accept-Encoding": "br"}).content, b"a { color: red }" * 100)
        replace(self.root / "style.css", b"a { color: blue }" * 100)
        self.assert_seen("/style.css", self.body_is(b"a { color: blue }" * 100), {"Accept-Encoding": "br"})
        before = self.server.get("/picture.png?w=50&fm=png").body
        Image.new("RGB", (200, 100), "blue").save(self.root / "picture.tmp", "png")
        (self.root / "picture.tmp").rename(self.root / "picture.png")
        self.assert_seen("/picture.png?w=50&fm=png", lambda response: response.status == 200 and response.body != before)

    def test_a_link_out_of_the_folder_is_not_followed_and_one_within_is(self):
        (self.root / "outside").symlink_to("/etc/passwd")
        (self.root / "upwards").symlink_to("..")
        (self.root / "inside").symlink_to("page.html")
        for path in ("/outside", "/upwards/" + self.root.name + "/page.html"):
            self.assertIn(self.server.get(path).status, (403, 404), path)
        self.assertEqual(self.server.get("/inside").status, 200)

    def test_under_constant_replacement_each_answer_is_one_version(self):
        versions = [bytes([65 + i]) * (20000 + 3000 * i) for i in range(6)]
        stop, wrong = threading.Event(), []

        def read():
            with Client(self.server) as client:
                while not stop.is_set():
                    response = client.get("/busy.bin")
                    if response.body not in versions + [b"A" * 40000] or response["etag"] != tag_of(response.body):
                        wrong.append((response["etag"], len(response.body), set(response.body)))

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for i in range(150):
            replace(self.root / "busy.bin", versions[i % len(versions)])
        stop.set()
        for reader in readers:
            reader.join(DEADLINE)
        self.assertEqual(wrong, [])
        self.assert_seen("/busy.bin", self.body_is(versions[149 % len(versions)]))

    def changed_while_sent(self, protocol, change):
        """What a slow client gets of a file of A that becomes one of B: (the bytes as a set, how many, curl's status)."""
        path = self.root / f"big-{protocol.replace('/', '')}.bin"
        path.write_bytes(b"A" * BIG)
        options = {"h2": ["--http2"], "http/1.1": ["--http1.1"], "https/1.1": ["--http1.1"]}[protocol]
        client = subprocess.Popen(["curl", "-sk", "-N", *options, self.server.url("/" + path.name, protocol)],
                                  stdout=subprocess.PIPE)
        received = client.stdout.read(100_000)  # under way; then the pipe and the sockets fill up
        change(path)
        received += client.stdout.read()
        client.stdout.close()
        path.unlink()
        return set(received), len(received), client.wait(DEADLINE)

    def test_a_response_whose_file_changes_is_cut_off_rather_than_mixed(self):
        def overwrite(path):
            with path.open("r+b") as file:
                file.write(b"B" * BIG)

        def cut(path):
            os.truncate(path, BIG // 2)

        for protocol in ("h2", "https/1.1", "http/1.1"):
            for change in (overwrite, cut):
                kinds, length, status = self.changed_while_sent(protocol, change)
                self.assertEqual(kinds, {ord("A")}, (protocol, change.__name__))
                self.assertLess(length, BIG)
                self.assertNotEqual(status, 0, "the client must notice")
            kinds, length, status = self.changed_while_sent(protocol, lambda path: replace(path, b"B" * BIG))
            self.assertEqual(kinds, {ord("A")}, protocol)
            self.assertEqual(length == BIG, status == 0)  # the old file may be sent to its end


if __name__ == "__main__":
    unittest.main()
