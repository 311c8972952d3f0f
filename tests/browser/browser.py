"""What the browser tests share: a `selvage serve`, headless Chromium, and the way they are started."""
import base64
import hashlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    sys.exit("browser: python3-selenium is missing (run scripts/setup test)")

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
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
    """`selvage serve` with these arguments. `says`: how many addresses it announces; `log`: what it complains of goes there.

    `origin` and `admin`: those of them that are https, and plain.
    """

    def __init__(self, program, arguments, log, says=1):
        self.log = log.open("wb")
        self.process = subprocess.Popen([program, "serve", *map(str, arguments)], stdout=subprocess.PIPE, stderr=self.log)
        try:
            addresses = self.read_addresses(says)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.origin = next((address for address in addresses if address.startswith("https:")), None)
        self.admin = next((address for address in addresses if address.startswith("http:")), None)

    def read_addresses(self, count):
        text, until = "", time.monotonic() + 30
        while text.count("\n") < count:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 4096).decode() if ready else ""
            if not data:
                raise AssertionError(f"the server did not say that it listens; its log is {self.log.name}")
            text += data
        return [word.rstrip("/") for word in text.split() if "://" in word]

    @staticmethod
    def key_hash(cache):
        """SHA-256 of the development certificate's public key, as Chromium's allow-list wants it. With it, unlike with
        --ignore-certificate-errors, the browser keeps what it is sent in its cache."""
        key = subprocess.run(["openssl", "x509", "-in", cache / "dev-cert.pem", "-pubkey", "-noout"], check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True, capture_output=True).stdout
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    def stop(self):
        """For addClassCleanup: it must end well."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "nothing within 40 s"
        self.process.stdout.close()
        self.log.close()
        if status != 0:
            raise AssertionError(f"after SIGTERM the server ended with {status}")


def start_browser(profile, key_hash=None, home=None):
    """`key_hash`: of a certificate that is trusted; `home`: whose certificate store it has."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-proxy-server",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--window-size=1280,900", "--hide-scrollbars", f"--user-data-dir={profile}"]:
        options.add_argument(argument)
    if key_hash:
        options.add_argument(f"--ignore-certificate-errors-spki-list={key_hash}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    environment = {**os.environ, **({"HOME": str(home)} if home else {})}
    return webdriver.Chrome(service=Service(DRIVER, env=environment), options=options)


def empty_logs(driver):
    """What was before is not ours."""
    driver.get("about:blank")
    driver.get_log("performance"), driver.get_log("browser")


def messages(driver):
    """(method, parameters) of the browser's network log since it was emptied."""
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        yield message["method"], message["params"]


def command_line(usage, names, needs=lambda paths: []):
    """{name: path} of the command line; the folder OUTPUT is made. `needs`: those paths → [(what must be there, remedy)]."""
    if len(sys.argv) != len(names) + 1:
        sys.exit(usage)
    paths = dict(zip(names, map(pathlib.Path, sys.argv[1:])))
    for needed, remedy in [(paths["PROGRAM"], "scripts/build release"), (CHROMIUM, "scripts/setup test"), (DRIVER, "scripts/setup test"), *needs(paths)]:
        if not os.path.exists(needed):
            sys.exit(f"browser: {needed} is missing (run {remedy})")
    paths["OUTPUT"].mkdir(parents=True, exist_ok=True)
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # for the wire to chromedriver
    return paths
