#!/usr/bin/python3
"""Pages in headless Chromium over HTTPS, as differences to a dictionary made of the site's pages, and to one another: RFC 9842,
site.dictionary and site.page_deltas.

    pages_test.py PROGRAM OUTPUT

PROGRAM is `selvage`. What went over the wire is the server's word, from its access log.
"""
import hashlib
import json
import pathlib
import random
import shutil
import string
import sys
import tempfile
import unittest

import browser
from browser import wait_for
from trusted import Authority, kept_dictionaries

PROGRAM = OUTPUT = None
PAGES = 40
letters = random.Random(5)
WORDS = ["".join(letters.choices(string.ascii_lowercase, k=letters.randrange(3, 9))) for _ in range(200)]


def page(number):
    """As documentation is made: each page has the same head, menu and foot around a text of its own."""
    menu = "".join(f'<li class="menu-entry level-{i % 3}"><a href="/docs/page-{i}.html">Chapter {i}: of what there is to say</a></li>\n'
                   for i in range(PAGES))
    own = random.Random(number)
    text = "".join("<p>" + " ".join(own.choices(WORDS, k=60)) + "</p>\n" for _ in range(4))
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Chapter {number}</title>'
            f'<style>.menu-entry {{ margin: 0 }} .level-1 {{ padding-left: 1em }}</style></head>\n<body><nav><ul>{menu}</ul></nav>'
            f'<main id="text">{text}</main><footer>Made of {PAGES} chapters; all of them end with these words.</footer></body></html>\n').encode()


class Server(browser.Server):
    def __init__(self, folder, authority):
        self.access = OUTPUT / "pages-access.log"
        self.access.unlink(missing_ok=True)
        sites = ""
        for host, setting in {"127.0.0.1": "dictionary = true", "localhost": 'page_deltas = "5m"'}.items():
            root = folder / host / "docs"
            root.mkdir(parents=True)
            for number in range(PAGES):
                (root / f"page-{number}.html").write_bytes(page(number))
            sites += f'[[site]]\nhosts = ["{host}"]\nroot = "{root.parent}"\n{setting}\n'
        config = folder / "selvage.toml"
        config.write_text(f'[server]\nlisten = ["https://127.0.0.1:0"]\nadmin = "127.0.0.1:0"\naccess_log = "{self.access}"\n'
                          f'[tls]\ncertificate = "{authority.certificate}"\nkey = "{authority.key}"\n'
                          f'[cache]\npath = "{folder / "cache"}"\n{sites}')
        super().__init__(PROGRAM, ["--config", config], OUTPUT / "pages-server.log", says=2)

    def logged(self, agent):
        """Lines of the access log, of the requests of a visitor."""
        lines = [json.loads(line) for line in self.access.read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if line["user_agent"] == agent]


class Reading:
    """One page being read: what the browser heard of it, and what the server says that it sent."""

    def __init__(self, driver, server, origin, number, agent):
        self.path = f"/docs/page-{number}.html"
        driver.execute_cdp_cmd("Network.enable", {})
        driver.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": agent})
        driver.get(origin + self.path)
        wait_for(f"page {number} is shown", lambda: driver.title == f"Chapter {number}")
        self.text = driver.execute_script("return document.getElementById('text').innerHTML")
        self.headers = {}
        for method, parameters in browser.messages(driver):
            if method == "Network.responseReceived" and parameters["response"]["url"] == origin + self.path:
                self.headers = {name.lower(): value for name, value in parameters["response"]["headers"].items()}
        self.wire = wait_for("the access log", lambda: next((line for line in server.logged(agent) if line["target"] == self.path), None))


class Pages(unittest.TestCase):
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="selvage-browser-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        authority = Authority(cls.folder)
        cls.server = Server(cls.folder, authority)
        cls.addClassCleanup(cls.server.stop)
        cls.driver = browser.start_browser(cls.folder / "profile", home=authority.home)
        cls.addClassCleanup(cls.driver.quit)

    def read(self, host, number, visit=0):
        origin = self.server.origin.replace("127.0.0.1", host)
        browser.empty_logs(self.driver)
        return Reading(self.driver, self.server, origin, number, f"{host} page {number} visit {visit}")

    def first_that(self, host, holds):
        """The first reading for which it holds. The server makes the dictionary and indexes pages behind the requests' back."""
        numbers = iter(range(PAGES))
        return wait_for(f"{host} is indexed", lambda: next((each for each in [self.read(host, next(numbers))] if holds(each)), None))

    def assert_is_difference(self, reading, number, dictionary, plain):
        self.assertEqual(reading.headers["content-encoding"], "dcz")
        self.assertIn(f"-dcz.{dictionary.hex()[:8]}", reading.headers["etag"])
        self.assertEqual(reading.wire["status"], 200)
        self.assertLess(reading.wire["bytes"], 0.75 * plain.wire["bytes"])
        self.assertEqual(reading.text, page(number).decode().split('<main id="text">')[1].split("</main>")[0])

    def test_a_dictionary_of_the_site(self):
        first = self.first_that("127.0.0.1", lambda reading: "link" in reading.headers)
        self.assertIn(first.headers["content-encoding"], ("br", "zstd", "gzip"))
        path, _, relation = first.headers["link"].removeprefix("<").partition(">")
        self.assertEqual(relation, '; rel="compression-dictionary"')
        self.assertRegex(path, r"^/\.well-known/selvage/pages-[0-9a-f]{16}\.dict$")
        kept = wait_for("the browser has fetched it", lambda: [
            each for each in kept_dictionaries(self.folder / "profile") if each.hex().startswith(path[-21:-5])])
        second = self.read("127.0.0.1", PAGES - 1)
        self.assert_is_difference(second, PAGES - 1, kept[0], first)
        self.assertNotIn("link", second.headers)  # it has it
        self.assertEqual(second.headers["cache-control"], "public, max-age=0, must-revalidate")

    def test_pages_as_differences_to_one_another(self):
        first = self.first_that("localhost", lambda reading: "use-as-dictionary" in reading.headers)
        self.assertIn('match="/docs/*"', first.headers["use-as-dictionary"])
        self.assertIn('match-dest=("document")', first.headers["use-as-dictionary"])
        self.assertEqual(first.headers["cache-control"], "public, max-age=300, must-revalidate")
        number = int(first.path[11:-5])
        content = hashlib.sha256(page(number)).digest()
        wait_for("the browser keeps the page", lambda: content in kept_dictionaries(self.folder / "profile"))
        self.assert_is_difference(self.read("localhost", PAGES - 1), PAGES - 1, content, first)
        with self.subTest("and within its lifetime a page is not asked for again"):
            asked = len(self.server.access.read_text().splitlines())
            self.driver.get(self.server.origin.replace("127.0.0.1", "localhost") + first.path)
            self.assertEqual(self.driver.title, f"Chapter {number}")
            self.assertEqual(len(self.server.access.read_text().splitlines()), asked)


if __name__ == "__main__":
    paths = browser.command_line(__doc__, ["PROGRAM", "OUTPUT"], lambda _: [("/usr/bin/certutil", "scripts/setup test")])
    PROGRAM, OUTPUT = paths["PROGRAM"], paths["OUTPUT"]
    unittest.main(argv=sys.argv[:1], verbosity=2)
