#!/usr/bin/python3
"""The demo site in headless Chromium over HTTP/2, as a visitor meets it: a first visit, then a second one.

    demo_site_test.py PROGRAM SITE OUTPUT

PROGRAM is `selvage`, SITE what scripts/demo-site prepared. Screenshots and the list of responses are left in OUTPUT.
Each test is a claim about what the browser saw; the browser's own network log (Chrome DevTools Protocol) is the witness.
"""
import json
import pathlib
import shutil
import sys
import tempfile
import time
import unittest
from urllib.parse import parse_qs, urlsplit

from browser import Server, command_line, empty_logs, messages, start_browser, wait_for
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

PROGRAM = SITE = OUTPUT = None


class Visit:
    """One visit to the page, scrolled to its end: responses (URL → what the browser noted), failures, console messages."""

    def __init__(self, driver, origin):
        empty_logs(driver)
        driver.get(origin + "/")
        self.scroll(driver)
        wait_for("all images loaded", lambda: driver.execute_script(
            "return document.readyState === 'complete' && [...document.images].every((image) => image.complete)"))
        driver.execute_script("return document.fonts.ready.then(() => true)")
        self.broken = driver.execute_script(
            "return [...document.images].filter((image) => !image.naturalWidth).map((image) => image.currentSrc || image.src)")
        self.natural = dict(driver.execute_script(
            # With a srcset the browser divides the natural size by the density that it chose: those say nothing about the file.
            "return [...document.images].filter((image) => !image.srcset).map((image) => [image.currentSrc, image.naturalWidth])"))
        self.fonts = driver.execute_script("return [...document.fonts].map((font) => [font.family, font.status])")
        self.console = [f"{entry['level']} {entry['message']}" for entry in driver.get_log("browser")]
        self.read_network_log(driver, origin)

    @staticmethod
    def scroll(driver):
        height = driver.execute_script("return document.documentElement.scrollHeight")
        for top in range(0, height, 600):
            driver.execute_script(f"window.scrollTo({{ top: {top}, behavior: 'instant' }})")
            time.sleep(0.05)  # lets the browser notice which lazy images came near; no claim depends on it
        driver.execute_script("window.scrollTo({ top: 0, behavior: 'instant' })")

    def read_network_log(self, driver, origin):
        self.responses, self.failures, self.foreign = {}, [], []
        urls, on_the_wire = {}, {}
        for method, parameters in messages(driver):
            if method == "Network.requestWillBeSent":
                urls[parameters["requestId"]] = parameters["request"]["url"]
            elif method == "Network.responseReceivedExtraInfo":
                on_the_wire[parameters["requestId"]] = parameters["statusCode"]
            elif method == "Network.loadingFailed":
                self.failures.append(f"{urls.get(parameters['requestId'])}: {parameters.get('errorText')}")
            elif method == "Network.responseReceived":
                self.note(parameters, origin, on_the_wire)
            elif method == "Network.requestServedFromCache":
                on_the_wire[parameters["requestId"]] = 0
        for response in self.responses.values():
            response["wire"] = on_the_wire.get(response["id"], response["wire"])

    def note(self, parameters, origin, on_the_wire):
        response = parameters["response"]
        url = response["url"]
        if not url.startswith(origin):
            if not url.startswith(("data:", "chrome", "about:")):
                self.foreign.append(url)
            return
        cached = response.get("fromDiskCache") or response.get("fromPrefetchCache")
        self.responses[url[len(origin):]] = {
            "id": parameters["requestId"], "status": response["status"], "protocol": response.get("protocol"),
            "type": response["mimeType"], "headers": {name.lower(): value for name, value in response["headers"].items()},
            "cached": bool(cached), "wire": on_the_wire.get(parameters["requestId"], 0 if cached else response["status"])}


class DemoSite(unittest.TestCase):
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="selvage-browser-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cache = cls.folder / "cache"
        cls.server = Server(PROGRAM, [SITE, "--listen", "https://127.0.0.1:0", "--cache", cache], OUTPUT / "server.log")
        cls.addClassCleanup(cls.server.stop)
        cls.driver = start_browser(cls.folder / "profile", Server.key_hash(cache))
        cls.addClassCleanup(cls.driver.quit)
        cls.first = Visit(cls.driver, cls.server.origin)
        cls.take_screenshots()
        cls.second = Visit(cls.driver, cls.server.origin)
        (OUTPUT / "responses.json").write_text(json.dumps({"first": cls.first.responses, "second": cls.second.responses}, indent=1))

    @classmethod
    def take_screenshots(cls):
        cls.driver.save_screenshot(str(OUTPUT / "screenshot.png"))
        height = cls.driver.execute_script("return document.documentElement.scrollHeight")
        cls.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                   {"width": 1280, "height": height, "deviceScaleFactor": 1, "mobile": False})
        cls.driver.save_screenshot(str(OUTPUT / "screenshot-whole.png"))
        cls.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def images(self):
        """URL with a transform → response, of the first visit."""
        found = {url: response for url, response in self.first.responses.items()
                 if url.startswith(("/photos/", "/animated/")) and "?" in url}
        self.assertGreater(len(found), 30)
        return found

    def each(self, responses, claim):
        """Fails with all the URLs for which the claim does not hold."""
        wrong = [f"{url}: {reason}" for url, response in responses.items() if (reason := claim(url, response))]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def test_everything_is_answered_with_200(self):
        self.assertFalse(self.first.failures)
        self.each(self.first.responses, lambda _, response: response["status"] != 200 and response["status"])

    def test_everything_comes_over_http2(self):
        self.each(self.first.responses, lambda _, response: response["protocol"] != "h2" and response["protocol"])

    def test_the_page_asks_nobody_else(self):
        self.assertFalse(self.first.foreign)

    def test_every_image_can_be_shown(self):
        self.assertFalse(self.first.broken)

    def test_the_console_stays_empty(self):
        self.assertFalse(self.first.console)
        self.assertFalse(self.second.console)

    def test_images_have_the_format_that_was_negotiated(self):
        # Chromium lists image/avif and image/webp in Accept; an explicit fm wins; animations are WebP (image-urls §1.3).
        def wrong(url, response):
            query = parse_qs(urlsplit(url).query)
            format = query.get("fm", ["avif"])[0]
            if url.startswith("/animated/") and query.get("anim") != ["0"]:
                format = "webp"
            return response["type"] != f"image/{format}" and f"{response['type']} instead of image/{format}"
        self.each(self.images(), wrong)

    def test_a_negotiated_answer_says_so(self):
        self.each(self.images(), lambda url, response: "fm=" not in url and "accept" not in response["headers"].get("vary", "").lower()
                  and "no Vary: Accept")

    def test_images_have_the_size_that_was_asked_for(self):
        def wrong(url, _):
            natural = self.first.natural[self.server.origin + url]
            query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
            width = round(int(query["w"]) * float(query.get("dpr", 1)))
            return natural != width and f"{natural} pixels wide instead of {width}"
        checked = [url for url in self.images() if self.server.origin + url in self.first.natural and "w=" in url]
        self.assertGreater(len(checked), 15)
        self.each({url: None for url in checked}, wrong)

    def test_fonts_are_loaded_and_may_be_used_anywhere(self):
        self.assertGreater(len(self.first.fonts), 1)
        self.assertEqual({status for _, status in self.first.fonts}, {"loaded"}, self.first.fonts)
        fonts = {url: response for url, response in self.first.responses.items() if url.endswith(".woff2")}
        self.assertEqual(len(fonts), 2)
        self.each(fonts, lambda _, response: (response["type"], response["headers"].get("access-control-allow-origin")) != ("font/woff2", "*")
                  and f"{response['type']}, {response['headers']}")

    def test_text_is_compressed(self):
        text = {url: response for url, response in self.first.responses.items() if url == "/" or url.startswith("/assets/")}
        self.assertEqual(len(text), 3)
        self.each(text, lambda _, response: response["headers"].get("content-encoding") not in {"br", "zstd", "gzip"} and "not compressed")

    def test_fingerprinted_names_are_kept_for_a_year(self):
        assets = {url: response for url, response in self.first.responses.items() if url.startswith("/assets/")}
        self.assertEqual(len(assets), 2)
        self.each(assets, lambda _, response: "immutable" not in response["headers"].get("cache-control", "")
                  and response["headers"].get("cache-control", "no Cache-Control"))

    def test_a_second_visit_is_answered_by_the_browser_cache_or_304(self):
        self.assertFalse(self.second.failures)
        self.assertIn("/", self.second.responses)
        self.each(self.second.responses, lambda _, response: response["wire"] not in (0, 304) and f"{response['wire']} over the wire")

    def test_the_bench_shows_what_its_controls_say(self):
        Select(self.driver.find_element(By.NAME, "photo")).select_by_value("fig")
        Select(self.driver.find_element(By.NAME, "fm")).select_by_visible_text("webp")
        result = self.driver.find_element(By.ID, "result")
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", result)
        wait_for("the new picture", lambda: self.driver.execute_script(
            "return arguments[0].src.includes('/fig.jpg') && arguments[0].src.includes('fm=webp') && arguments[0].complete && arguments[0].naturalWidth === 720",
            result))
        shown = self.driver.find_element(By.CSS_SELECTOR, "#bench [data-size]").text
        self.assertIn("WEBP", shown)


if __name__ == "__main__":
    paths = command_line(__doc__, ["PROGRAM", "SITE", "OUTPUT"], lambda given: [(given["SITE"] / "index.html", "scripts/demo-site")])
    PROGRAM, SITE, OUTPUT = paths["PROGRAM"], paths["SITE"], paths["OUTPUT"]
    unittest.main(argv=sys.argv[:1], verbosity=2)
