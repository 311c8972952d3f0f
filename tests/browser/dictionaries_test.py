#!/usr/bin/python3
"""Three releases of a site in headless Chromium over HTTPS, as a returning visitor meets them: RFC 9842, static-delivery §5.

    dictionaries_test.py PROGRAM OUTPUT

PROGRAM is `selvage`. The certificate is of a private CA that the browser's profile trusts, as nothing that is excused is kept as a
dictionary. What went over the wire is the server's word, from its access log; what ran is the browser's.
"""
import base64
import hashlib
import json
import pathlib
import random
import shutil
import ssl
import string
import sys
import tempfile
import unittest
import urllib.request

import browser
from browser import wait_for
from trusted import Authority, kept_dictionaries

PROGRAM = OUTPUT = None


class Release:
    """A bundle, a chunk that it imports and a style sheet, named by their contents; and the page that uses them."""

    def __init__(self, number):
        self.number = number
        self.chunk = self.filler(number, 80_000) + f"export const chunk = {number};\n".encode()
        self.chunk_path = self.named("settings", "js", self.chunk)
        bundle = self.filler(number + 1000, 200_000).decode()
        bundle += (f"import('./{self.chunk_path.rsplit('/', 1)[1]}').then((module) => "
                   f"{{ document.title = 'release {number}, chunk ' + module.chunk; }});\n")
        self.bundle = bundle.encode()
        self.bundle_path = self.named("index", "js", self.bundle)
        self.style = "".join(f".c{i} {{ margin: {i * 37 % 91}px; color: #{i * 7919 % 4096:03x} }}\n" for i in range(2_000))
        self.style = (self.style + f"body {{ --release: {number} }}\n").encode()
        self.style_path = self.named("index", "css", self.style)
        self.page = (f'<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="{self.style_path}"><title>loading</title>'
                     f'<script type="module" src="{self.bundle_path}"></script><p>{number}</p>').encode()

    @staticmethod
    def filler(number, size):
        """Functions, of which each release changes two in a hundred."""
        words = random.Random(number >= 1000)
        changed = random.Random(number)
        text = ""
        while len(text) < size:
            name = "".join(words.choices(string.ascii_letters, k=8))
            factor = words.randrange(10_000)
            if words.random() < 0.02:
                factor = changed.randrange(10_000)
            text += f"export function {name}(a, b) {{ return a * {factor} + b; }}\n"
        return text.encode()

    @staticmethod
    def named(stem, extension, content):
        digits = base64.b32hexencode(hashlib.sha256(content).digest()).decode().lower()
        return f"/assets/{stem}-{digits[:3]}7Q{digits[3:6]}.{extension}"

    def files(self):
        return {self.chunk_path: self.chunk, self.bundle_path: self.bundle, self.style_path: self.style}


class Server(browser.Server):
    def __init__(self, folder, authority):
        self.root, self.access = folder / "root", OUTPUT / "dictionaries-access.log"
        self.access.unlink(missing_ok=True)
        config = folder / "selvage.toml"
        config.write_text(f'[server]\nlisten = ["https://127.0.0.1:0"]\nadmin = "127.0.0.1:0"\naccess_log = "{self.access}"\n'
                          f'[tls]\ncertificate = "{authority.certificate}"\nkey = "{authority.key}"\n'
                          f'[cache]\npath = "{folder / "cache"}"\n[[site]]\nhosts = ["*"]\nroot = "{self.root}"\n')
        self.context = ssl.create_default_context(cafile=str(authority.ca))
        super().__init__(PROGRAM, ["--config", config], OUTPUT / "dictionaries-server.log", says=2)

    def metric(self, name):
        with urllib.request.urlopen(self.admin + "/metrics", timeout=30) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"selvage_{name}"))

    def field(self, path, name):
        with urllib.request.urlopen(self.origin + path, context=self.context, timeout=30) as response:
            return response.headers.get(name)

    def deploy(self, release, before=None):
        """As deploy scripts do: what is new, then the page, then without what is old."""
        for path, content in {**release.files(), "/index.html": release.page}.items():
            file = self.root / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            (file.parent / ".upload").write_bytes(content)
            (file.parent / ".upload").rename(file)
        for path in before.files() if before else ():
            (self.root / path[1:]).unlink()
        wait_for("the release is indexed", lambda: self.field(release.bundle_path, "Use-As-Dictionary"))

    def logged(self, agent):
        """Target → line, of the requests of a visitor."""
        lines = [json.loads(line) for line in self.access.read_text().splitlines() if line.endswith("}")]
        return {line["target"]: line for line in lines if line["user_agent"] == agent}


class Visit:
    """One visit: what ran, what the browser heard of each response, and what the server says that it sent."""

    def __init__(self, driver, server, number):
        agent = f"visit {number}"
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent})
        browser.empty_logs(driver)
        driver.get(server.origin + "/")
        wait_for(f"release {number} runs", lambda: driver.title == f"release {number}, chunk {number}")
        self.style = driver.execute_script("return getComputedStyle(document.body).getPropertyValue('--release').trim()")
        self.console = [entry["message"] for entry in driver.get_log("browser")]
        self.headers = {}
        for method, parameters in browser.messages(driver):
            if method == "Network.responseReceived":
                response = parameters["response"]
                self.headers[response["url"].removeprefix(server.origin)] = {
                    name.lower(): value for name, value in response["headers"].items()}
        self.wire = wait_for("the access log", lambda: self.all_logged(server, agent))

    def all_logged(self, server, agent):
        lines = server.logged(agent)
        return lines if all(path in lines for path in self.headers if path.startswith("/assets/")) else None

    def coding(self, path):
        return self.headers[path].get("content-encoding")


class Dictionaries(unittest.TestCase):
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="selvage-browser-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.releases = [Release(number) for number in (1, 2, 3)]
        (cls.folder / "root").mkdir()
        authority = Authority(cls.folder)
        cls.server = Server(cls.folder, authority)
        cls.addClassCleanup(cls.server.stop)
        cls.driver = browser.start_browser(cls.folder / "profile", home=authority.home)
        cls.addClassCleanup(cls.driver.quit)
        cls.visits, before = [], None
        for release in cls.releases:
            cls.server.deploy(release, before)
            cls.visits.append(Visit(cls.driver, cls.server, release.number))
            cls.wait_for_dictionaries(release)
            before = release
        (OUTPUT / "dictionaries.json").write_text(json.dumps(
            [{"headers": visit.headers, "wire": visit.wire} for visit in cls.visits], indent=1))

    @classmethod
    def wait_for_dictionaries(cls, release):
        wanted = {hashlib.sha256(content).digest() for content in release.files().values()}
        wait_for(f"the browser keeps release {release.number}", lambda: wanted <= kept_dictionaries(cls.folder / "profile"), deadline=30)

    def test_every_release_ran(self):
        for visit, release in zip(self.visits, self.releases):
            self.assertEqual(visit.style, str(release.number))
            self.assertFalse(visit.console)

    def test_the_first_visit_is_without(self):
        first, release = self.visits[0], self.releases[0]
        for path in release.files():
            self.assertIn(first.coding(path), ("br", "zstd", "gzip"), path)
            self.assertIn("match=", first.headers[path]["use-as-dictionary"], path)

    def test_each_release_comes_as_the_difference_to_the_one_before(self):
        for number in (1, 2):
            visit, release, before = self.visits[number], self.releases[number], self.releases[number - 1]
            for (path, content), old in zip(release.files().items(), before.files().values()):
                with self.subTest(f"release {release.number}", path=path):
                    self.assertEqual(visit.coding(path), "dcz")
                    self.assertIn(f"-dcz.{hashlib.sha256(old).hexdigest()[:8]}", visit.headers[path]["etag"])
                    self.assertEqual(visit.wire[path]["status"], 200)
                    self.assertLess(visit.wire[path]["bytes"], len(content) / 20)
                    self.assertLess(visit.wire[path]["bytes"], self.visits[0].wire[list(self.releases[0].files())[
                        list(release.files()).index(path)]]["bytes"] / 5)
                    self.assertIn(visit.wire[path]["cache"], ("hit", "disk_hit", "miss", "interim", "coalesced"))

    def test_the_server_counted_them(self):
        self.assertGreaterEqual(self.server.metric('dictionary_requests_total{outcome="stored"}')
                                + self.server.metric('dictionary_requests_total{outcome="made"}'), 6)
        self.assertGreater(self.server.metric("dictionary_bytes_saved_total"), 0)
        self.assertGreater(self.server.metric("dictionaries_offered_total"), 0)


if __name__ == "__main__":
    paths = browser.command_line(__doc__, ["PROGRAM", "OUTPUT"], lambda _: [("/usr/bin/certutil", "scripts/setup test")])
    PROGRAM, OUTPUT = paths["PROGRAM"], paths["OUTPUT"]
    unittest.main(argv=sys.argv[:1], verbosity=2)
