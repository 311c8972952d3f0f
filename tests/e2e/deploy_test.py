#!/usr/bin/python3
"""Deploys: what a new release removes stays there for old pages, and nothing half-written is served."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from http.client import IncompleteRead

from PIL import Image

from clients import Client
from messages import decode
from selvage import Server
from server_case import write
from waiting import until

KEEP_SHORT = "[releases]\nkeep = \"{}s\"\n[[site]]\nroot = \"{}\"\n"


def hashed(name, text):
    """A name as build tools write it: eight digits of a hash of the content, with both kinds of characters."""
    digits = hashlib.sha256(text).hexdigest()
    tail = next(digits[i:i + 8] for i in range(56) if not digits[i:i + 8].isdigit() and not digits[i:i + 8].isalpha()
                and not digits[i:i + 2] in ("19", "20"))
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{tail}.{ending}"


def build(version):
    """{path: bytes} of a release: an entry page that names three dozen scripts, styles and a picture."""
    files = {}
    for i in range(12):
        for ending, comment in (("js", "// %d"), ("css", "/* %d */")):
            text = ((comment % version) + f" part {i}\n" + "let value = 'of some text';\n" * (20 + i)).encode()
            files[hashed(f"assets/part{i}.{ending}", text)] = text
    picture = pathlib.Path(tempfile.mkdtemp()) / "p.png"
    Image.new("RGB", (400, 200), (version * 40 % 256, 80, 160)).save(picture)
    files[hashed("assets/logo.png", picture.read_bytes())] = picture.read_bytes()
    shutil.rmtree(picture.parent)
    files["index.html"] = f"<p>release {version}</p>".encode() + b"".join(b"<a href=%s>" % p.encode() for p in sorted(files))
    return files


class Asking:
    """Asks for all paths in turn, as old pages do, until it is ended; what was wrong is in `wrong`."""

    def __init__(self, server, files):
        self.server, self.files, self.wrong, self.rounds, self.done = server, files, [], 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with Client(self.server) as client:
            while not self.done.is_set():
                for path, content in self.files.items():
                    response = client.get("/" + path)
                    if response.status != 200 or response.body != content:
                        self.wrong.append((path, response.status, len(response.body)))
                self.rounds += 1

    def __enter__(self):
        self.thread.start()
        until("it asks", lambda: self.rounds > 0)
        return self

    def __exit__(self, *_):
        rounds = self.rounds
        until("it has asked for all once more", lambda: self.rounds > rounds + 1)
        self.done.set()
        self.thread.join()


class Deploys(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-deploy-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.old, self.new = build(1), build(2)
        write(self.folder / "v1", self.old)
        write(self.folder / "v2", self.new)
        self.old_assets = {path: text for path, text in self.old.items() if path != "index.html"}
        self.new_assets = {path: text for path, text in self.new.items() if path != "index.html"}
        self.assertFalse(set(self.old_assets) & set(self.new_assets))

    def known(self, server, present, removed=0):
        def is_known():
            metrics = server.metrics()
            return (metrics['release_files{state="present"}'], metrics['release_files{state="removed"}']) == (present, removed)
        until("the release is known", is_known)

    def all_there(self, server, files):
        with Client(server) as client:
            for path, content in files.items():
                response = client.get("/" + path)
                self.assertEqual((response.status, response.body), (200, content), path)
                self.assertEqual(response["cache-control"], "public, max-age=31536000, immutable", path)

    def deploy_and_check(self, root, deploy):
        """While old pages ask, the new release takes the folder; then, and after a restart, both are there."""
        cache = self.folder / "cache"
        with Server(root, cache=cache) as server:
            self.known(server, len(self.old_assets))
            before = {path: server.get("/" + path)["etag"] for path in list(self.old_assets)[:3]}
            with Asking(server, self.old_assets) as asking:
                deploy()
                self.known(server, len(self.new_assets), len(self.old_assets))
            self.assertEqual(asking.wrong, [])
            self.all_there(server, {**self.old_assets, **self.new_assets})
            self.assertEqual(server.get("/").body, self.new["index.html"])
            for path, etag in before.items():
                self.assertEqual(server.get("/" + path)["etag"], etag)
            self.assertEqual(server.get("/assets/part1.0a1b2c3d.js").status, 404)
            self.assertEqual(server.get("/assets/part1.0a1b2c3d.js")["cache-control"], "no-store")
        with Server(root, cache=cache) as server:
            self.all_there(server, {**self.old_assets, **self.new_assets})
            self.known(server, len(self.new_assets), len(self.old_assets))
            self.all_there(server, self.old_assets)

    def test_copying_over_and_deleting_what_is_old(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)

        def deploy():  # as `rsync --delete` does: temporary names, then renames, then what is no longer there
            for path, text in self.new.items():
                temporary = root / (path + ".part")
                temporary = temporary.with_name("." + temporary.name)
                temporary.write_bytes(text)
                temporary.rename(root / path)
            for path in self.old_assets:
                (root / path).unlink()

        self.deploy_and_check(root, deploy)

    def test_deleting_first_and_copying_then(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)

        def deploy():
            shutil.rmtree(root / "assets")
            shutil.copytree(self.folder / "v2", root, dirs_exist_ok=True)

        self.deploy_and_check(root, deploy)

    def test_a_folder_that_takes_the_place_of_another(self):
        root = self.folder / "www"
        (self.folder / "v1").rename(root)

        def deploy():
            root.rename(self.folder / "www.old")
            (self.folder / "v2").rename(root)
            shutil.rmtree(self.folder / "www.old")

        self.deploy_and_check(root, deploy)

    def test_a_link_that_is_turned_to_the_new_release(self):
        root = self.folder / "current"
        root.symlink_to("v1")

        def deploy():
            (self.folder / "next").symlink_to("v2")
            (self.folder / "next").rename(root)

        self.deploy_and_check(root, deploy)

    def test_rsync(self):
        if not shutil.which("rsync"):
            self.skipTest("no rsync")
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)
        self.deploy_and_check(root, lambda: subprocess.run(["rsync", "-ac", "--delete", f"{self.folder}/v2/", f"{root}/"], check=True))

    def test_a_removed_picture_has_its_variants(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)
        with Server(root) as server:
            self.known(server, len(self.old_assets))
            picture = next(path for path in self.old_assets if path.endswith(".png"))
            shutil.rmtree(root / "assets")
            self.known(server, 0, len(self.old_assets))
            response = server.get(f"/{picture}?w=100&fm=jpeg")
            self.assertEqual((response.status, response["content-type"]), (200, "image/jpeg"))
            response = server.get("/" + picture, fields={"Range": "bytes=0-7"})
            self.assertEqual((response.status, response.body), (206, b"\x89PNG\r\n\x1a\n"))

    def test_codings_of_what_was_removed_are_found_again(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)
        script = next(path for path in self.old_assets if path.endswith(".js"))
        fields = {"Accept-Encoding": "gzip"}
        with Server(root) as server:
            self.known(server, len(self.old_assets))
            before = server.get("/" + script, fields=fields)
            shutil.rmtree(root / "assets")
            self.known(server, 0, len(self.old_assets))
            after = server.get("/" + script, fields=fields)
            self.assertEqual(after["content-encoding"], "gzip")
            self.assertEqual(decode(after.body, "gzip"), self.old[script])
            self.assertEqual(before["etag"].strip('"').split("-")[0], after["etag"].strip('"').split("-")[0])
            self.assertEqual(server.get("/" + script, fields={"If-None-Match": before["etag"]}).status, 304)

    def test_after_releases_keep_it_is_gone(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)
        script = "/" + next(iter(self.old_assets))
        with Server(config=KEEP_SHORT.format(3, root)) as server:
            self.known(server, len(self.old_assets))
            shutil.rmtree(root / "assets")
            self.assertEqual(server.get(script).status, 200)
            response = until("it is gone", lambda: (answer := server.get(script)).status == 404 and answer)
            self.assertEqual(response["cache-control"], "no-store")
        with Server(config=KEEP_SHORT.format(0, root)) as server:
            self.assertEqual(server.get(script).status, 404)

    def test_a_purge_of_a_removed_file_ends_it(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)
        one, two = ("/" + path for path in list(self.old_assets)[:2])
        with Server(root) as server:
            self.known(server, len(self.old_assets))
            shutil.rmtree(root / "assets")
            self.known(server, 0, len(self.old_assets))
            self.assertEqual(server.get(one).status, 200)
            done = subprocess.run([os.environ["SELVAGE_PROGRAM"], "purge", "--admin", f"127.0.0.1:{server.ports['admin']}", one],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.get(one).status, 404)
            self.assertEqual(server.get(two).status, 200)

    def test_what_returns_is_the_folders_again(self):
        root = self.folder / "www"
        shutil.copytree(self.folder / "v1", root)
        with Server(root) as server:
            self.known(server, len(self.old_assets))
            (root / "assets").rename(root / "away")
            self.known(server, len(self.old_assets), len(self.old_assets))  # the same under another path
            self.all_there(server, self.old_assets)
            (root / "away").rename(root / "assets")
            self.all_there(server, self.old_assets)

    @unittest.skipUnless(os.geteuid() == 0, "needs a file system of its own")
    def test_a_full_disk_loses_nothing_that_is_there(self):
        cache, root = self.folder / "tiny", self.folder / "www"
        cache.mkdir()
        shutil.copytree(self.folder / "v1", root)
        write(root, {hashed("assets/large.bin", b"x"): os.urandom(600_000)})
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", cache], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("cannot mount")
        try:
            with Server(root, cache=cache) as server:
                until("what fits is known", lambda: server.metric('release_files{state="present"}') >= len(self.old_assets))
                self.all_there(server, self.old_assets)
                write(root, {"later.html": b"later"})
                until("it is served", lambda: server.get("/later.html").body == b"later")
                self.assertEqual(server.admin("/readyz").status, 200)
                log = server.log()
            self.assertIn("releases", log)
        finally:
            subprocess.run(["umount", cache], check=True)


class HalfWritten(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-half-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        write(self.root, {"page.html": b"before", "big.bin": b"B" * 3_000_000})

    def served_while(self, server, path, allowed, going):
        """As long as it goes on, every answer is one of these: a body, or 404. Or it is cut off: its file was written over while it
        was sent, and what was there is gone."""
        while going():
            with Client(server) as client:
                try:
                    response = client.get(path)
                except IncompleteRead:
                    continue
                self.assertIn(404 if response.status == 404 else response.body, allowed)

    def test_a_slow_writer(self):
        with Server(self.root) as server:
            self.assertEqual(server.get("/page.html").body, b"before")
            for path, allowed in (("page.html", [b"before"]), ("fresh.html", [404])):
                with (self.root / path).open("wb") as file:
                    file.write(b"half")
                    file.flush()
                    end = time.monotonic() + 3
                    self.served_while(server, "/" + path, allowed, lambda: time.monotonic() < end)
                    file.write(b" and whole")
                until("the whole is served", lambda: server.get("/" + path).body == b"half and whole")
            self.assertGreater(server.metric('half_written_files_total{answer="before"}'), 0)
            self.assertGreater(server.metric('half_written_files_total{answer="not_found"}'), 0)

    def written_by(self, command, path, content, allowed):
        with Server(self.root) as server:
            before = server.get(path)
            process = subprocess.Popen(command, cwd=self.root)
            self.served_while(server, path, [*allowed, content, *([404] if before.status == 404 else [before.body])],
                              lambda: process.poll() is None)
            self.assertEqual(process.returncode, 0)
            until("the whole is served", lambda: server.get(path).body == content)

    def test_cp_of_a_large_file(self):
        content = os.urandom(64 << 20)
        (self.root / "source").write_bytes(content)
        self.written_by(["cp", "source", "copied.bin"], "/copied.bin", content, [404])

    def test_cp_over_a_large_file(self):
        content = os.urandom(64 << 20)
        (self.root / "source").write_bytes(content)
        self.written_by(["cp", "source", "big.bin"], "/big.bin", content, [404])

    def test_tar(self):
        write(self.root, {"in/t.html": b"a page in an archive " * 400_000})
        subprocess.run(["tar", "cf", "../t.tar", "t.html"], cwd=self.root / "in", check=True)
        self.written_by(["tar", "xf", "t.tar"], "/t.html", b"a page in an archive " * 400_000, [404])

    def test_rsync(self):
        if not shutil.which("rsync"):
            self.skipTest("no rsync")
        content = os.urandom(32 << 20)
        write(self.root, {"in/r.bin": content})
        for more in ([], ["--inplace"]):
            self.written_by(["rsync", "-a", *more, "in/r.bin", "r.bin"], "/r.bin", content, [404])
            (self.root / "r.bin").unlink()

    def test_an_editor_that_renames(self):
        with Server(self.root) as server:
            for i in range(20):
                text = b"version %d" % i
                (self.root / ".page.swp").write_bytes(text)
                (self.root / ".page.swp").rename(self.root / "page.html")
                until("it is seen", lambda: server.get("/page.html").body == text, deadline=5)

    def test_a_log_that_is_always_open_is_served(self):
        with (self.root / "open.log").open("wb") as file:
            file.write(b"a line\n")
            file.flush()
            with Server(self.root) as server:
                until("it has stood still", lambda: server.get("/open.log").body == b"a line\n", deadline=30)


if __name__ == "__main__":
    unittest.main()
