#!/usr/bin/python3
"""The demo site in headless Chromium over HTTP/2, as a visitor meets it: a first visit, then a second one.

    demo_site_test.py PROGRAM SITE OUTPUT

PROGRAM is `selvage`, SITE what scripts/demo-site prepared. Screenshots and the list of responses are left in OUTPUT.
Each test is a claim about what the browser saw; the browser's own network log (Chrome DevTools Protocol) is the witness.
"""
import base64
import hashlib
import json
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import parse_qs, urlsplit

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select
except ImportError:
    sys.exit("browser: python3-selenium is missing (run scripts/setup test)")

PROGRAM = SITE = OUTPUT = None
DEADLINE = 90  # seconds for everything of one kind; a cold AVIF of the largest photograph takes well under one


def wait_for(what, condition, deadline=DEADLINE):
    """The condition's first true value; the browser offers no event for it, so it is asked ten times a second."""
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {deadline} s: {what}")


class Server:
    """`selvage serve SITE` on a free port with an empty cache."""

    def __init__(self, folder):
        self.cache = folder / "cache"
        self.log = (OUTPUT / "server.log").open("wb")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", str(SITE), "--listen", "https://127.0.0.1:0", "--cache", str(self.cache)],
            stdout=subprocess.PIPE, stderr=self.log)
        try:
            self.origin = self.read_origin()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def read_origin(self):
        """From the line `listening https://127.0.0.1:PORT`."""
        until = time.monotonic() + 30
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        while time.monotonic() < until:
            if not selector.select(timeout=0.5):
                continue
            line = self.process.stdout.readline().decode()
            if line.startswith("listening https://"):
                return line.split()[1].rstrip("/")
            if not line:
                break
        raise AssertionError(f"the server did not say that it listens; its log is {self.log.name}")

    def key_hash(self):
        """SHA-256 of the certificate's public key, as Chromium's allow-list wants it. With it, unlike with
        --ignore-certificate-errors, the browser keeps what it is sent in its cache."""
        key = subprocess.run(["openssl", "x509", "-in", self.cache / "dev-cert.pem", "-pubkey", "-noout"],
                             check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True, capture_output=True).stdout
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "did not end within 40 s of SIGTERM"
        finally:
            self.process.stdout.close()
            self.log.close()


def start_browser(profile, key_hash):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-proxy-server",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--window-size=1280,900", "--hide-scrollbars", f"--user-data-dir={profile}",
            f"--ignore-certificate-errors-spki-list={key_hash}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Visit:
    """One visit to the page, scrolled to its end: responses (URL → what the browser noted), failures, console messages."""

    def __init__(self, driver, origin):
        driver.get("about:blank")
        driver.get_log("performance"), driver.get_log("browser")  # what was before is not ours
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
        for entry in driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            parameters = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                urls[parameters["requestId"]] = parameters["request"]["url"]
            elif message["method"] == "Network.responseReceivedExtraInfo":
                on_the_wire[parameters["requestId"]] = parameters["statusCode"]
            elif message["method"] == "Network.loadingFailed":
                self.failures.append(f"{urls.get(parameters['requestId'])}: {parameters.get('errorText')}")
            elif message["method"] == "Network.responseReceived":
                self.note(parameters, origin, on_the_wire)
            elif message["method"] == "Network.requestServedFromCache":
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
        cls.server = Server(cls.folder)
        cls.addClassCleanup(cls.stop_server)
        cls.driver = start_browser(cls.folder / "profile", cls.server.key_hash())
        cls.addClassCleanup(cls.driver.quit)
        cls.first = Visit(cls.driver, cls.server.origin)
        cls.take_screenshots()
        cls.second = Visit(cls.driver, cls.server.origin)
        (OUTPUT / "responses.json").write_text(json.dumps({"first": cls.first.responses, "second": cls.second.responses}, indent=1))

    @classmethod
    def stop_server(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"after SIGTERM the server ended with {status}")

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
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    PROGRAM, SITE, OUTPUT = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    for needed, remedy in [(PROGRAM, "scripts/build release"), (SITE / "index.html", "scripts/demo-site"),
                           ("/usr/bin/chromium", "scripts/setup test"), ("/usr/bin/chromedriver", "scripts/setup test")]:
        if not os.path.exists(needed):
            sys.exit(f"browser: {needed} is missing (run {remedy})")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # for the wire to chromedriver
    unittest.main(argv=sys.argv[:1], verbosity=2)
