#!/usr/bin/python3
"""A page with a font behind its style sheet and a chain of modules, in headless Chromium over HTTP/2, without and with hints.

    hints_test.py PROGRAM SITE OUTPUT

PROGRAM is `selvage`; SITE what scripts/demo-site prepared, for its font. Each test is a claim about the order of events in the
browser's own network log: what is asked for before what has arrived. static-delivery §8.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import browser

FONT = "fonts/Inter-Regular.woff2"
PROGRAM = SITE = OUTPUT = None

PAGE = """<!doctype html><title>loading</title>
<link rel="stylesheet" href="/style.css">
<script type="module" src="/main.js"></script>
<p id="text">Text in a font of its own</p>"""
FILES = {
    "index.html": PAGE,
    "style.css": f'@font-face {{ font-family: Text; src: url("{FONT}") format("woff2") }}\nbody {{ font-family: Text }}\n'
                 + "".join(f".c{i} {{ margin: {i}px }}\n" for i in range(20_000)),
    "main.js": 'import { name } from "./a.js";\ndocument.title = "ran " + name;\n',
    "a.js": 'export * from "./b.js";\n',
    "b.js": 'export const name = "b";\n',
}


class Server(browser.Server):
    """One with two sites on one folder: `127.0.0.1` plain, `localhost` with hints."""

    def __init__(self, folder):
        self.cache, self.root, self.access = folder / "cache", folder / "root", OUTPUT / "hints-access.log"
        for name, content in FILES.items():
            self.root.mkdir(exist_ok=True)
            (self.root / name).write_text(content)
        (self.root / FONT).parent.mkdir()
        shutil.copy(SITE / FONT, self.root / FONT)
        self.access.unlink(missing_ok=True)
        config = folder / "selvage.toml"
        config.write_text(f'[server]\nlisten = ["https://127.0.0.1:0"]\naccess_log = "{self.access}"\n[cache]\npath = "{self.cache}"\n'
                          f'[[site]]\nhosts = ["127.0.0.1"]\nroot = "{self.root}"\n'
                          f'[[site]]\nhosts = ["localhost"]\nroot = "{self.root}"\nhints = true\n')
        super().__init__(PROGRAM, ["--config", config], OUTPUT / "hints-server.log")
        self.port = self.origin.rsplit(":", 1)[1]

    def origin_of(self, host):
        return f"https://{host}:{self.port}"

    def links(self):
        done = subprocess.run(["curl", "-skI", "--noproxy", "*", self.origin_of("localhost") + "/"], check=True, capture_output=True, text=True)
        return [line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if line.lower().startswith("link:")]

    def asked(self):
        """(host, target) of each request of the browser."""
        lines = [json.loads(line) for line in self.access.read_text().splitlines()]
        return [(line["host"].rsplit(":", 1)[0], line["target"]) for line in lines if line["method"] == "GET"]


class Visit:
    """The order of events: ("sent" or "finished", path)."""

    def __init__(self, driver, origin):
        browser.empty_logs(driver)
        driver.get(origin + "/")
        browser.wait_for("the module", lambda: driver.title == "ran b")
        driver.execute_async_script("const done = arguments[0]; document.fonts.ready.then(() => done())")
        self.fonts = driver.execute_script("return [...document.fonts].map((font) => font.status)")
        self.console = [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]]
        self.events, paths = [], {}
        for method, parameters in browser.messages(driver):
            number = parameters.get("requestId")
            if method == "Network.requestWillBeSent" and parameters["request"]["url"].startswith(origin):
                paths[number] = parameters["request"]["url"][len(origin):]
                self.events.append(("sent", paths[number]))
            elif method == "Network.loadingFinished" and number in paths:
                self.events.append(("finished", paths[number]))

    def place(self, what, path):
        return self.events.index((what, path))


class Hints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="selvage-hints-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = Server(cls.folder)
        cls.addClassCleanup(cls.server.stop)
        cls.links = browser.wait_for("hints", cls.server.links)
        driver = browser.start_browser(cls.folder / "profile", browser.Server.key_hash(cls.server.cache))
        cls.addClassCleanup(driver.quit)
        driver.set_script_timeout(browser.DEADLINE)
        cls.plain = Visit(driver, cls.server.origin_of("127.0.0.1"))
        cls.hinted = Visit(driver, cls.server.origin_of("localhost"))
        (OUTPUT / "hints-events.json").write_text(json.dumps({"plain": cls.plain.events, "hinted": cls.hinted.events}, indent=1))

    def test_the_font_is_asked_for_before_the_style_sheet_that_names_it_has_come(self):
        font, style = "/" + FONT, "/style.css"
        self.assertGreater(self.plain.place("sent", font), self.plain.place("finished", style))
        self.assertLess(self.hinted.place("sent", font), self.hinted.place("finished", style))

    def test_modules_are_asked_for_before_those_that_import_them_have_come(self):
        for module, importer in (("/a.js", "/main.js"), ("/b.js", "/a.js")):
            self.assertGreater(self.plain.place("sent", module), self.plain.place("finished", importer))
            self.assertLess(self.hinted.place("sent", module), self.hinted.place("finished", importer))

    def test_nothing_is_asked_for_twice(self):
        # A hint with other attributes than the page's would be.
        for visit in (self.plain, self.hinted):
            sent = [path for what, path in visit.events if what == "sent" and path != "/favicon.ico"]
            self.assertEqual(sorted(sent), sorted(["/", "/style.css", "/main.js", "/a.js", "/b.js", "/" + FONT]))
            self.assertEqual(visit.fonts, ["loaded"])
            self.assertEqual(visit.console, [])

        def logged():
            return [target for host, target in self.server.asked() if host == "localhost" and target not in ("/", "/favicon.ico")]
        browser.wait_for("the access log", lambda: len(logged()) >= 5, deadline=10)
        asked = logged()
        self.assertEqual(sorted(asked), sorted(["/style.css", "/main.js", "/a.js", "/b.js", "/" + FONT]))


if __name__ == "__main__":
    paths = browser.command_line(__doc__, ["PROGRAM", "SITE", "OUTPUT"], lambda given: [(given["SITE"] / FONT, "scripts/demo-site")])
    PROGRAM, SITE, OUTPUT = paths["PROGRAM"], paths["SITE"], paths["OUTPUT"]
    unittest.main(argv=sys.argv[:1], verbosity=2)
