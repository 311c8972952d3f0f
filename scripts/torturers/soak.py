"""Mixed traffic for minutes, with aborted downloads, changed files and reloads: memory stays flat."""
import http.client
import random
import signal
import statistics
import subprocess
import threading
import time

from .verdict import counts, mebibytes

WARM_UP = 0.3       # of the time: caches fill, buffers are made
MOST = 0.05         # growth from the first quarter to the last
# Small enough to be full when the warm-up ends.
SETTINGS = """
[cache]
memory = "8MiB"
disk = "64MiB"
[limits]
catalogue_entries = 1000
"""


def run(ground, verdicts):
    seconds = ground.options.minutes * 60
    with ground.server(SETTINGS) as server:
        traffic = Traffic(ground, server)
        traffic.begin()
        samples, end = [], time.monotonic() + seconds
        while time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.25)
            samples.append(server.memory())
        failures = traffic.end()
        print("torture:    MiB:", *(round(size / (1 << 20)) for size in samples[::max(1, len(samples) // 40)]), flush=True)
        steady = samples[int(len(samples) * WARM_UP):]
        quarter = max(1, len(steady) // 4)
        first, last = statistics.median(steady[:quarter]), statistics.median(steady[-quarter:])
        grown = last / first - 1
        verdicts.add("soak: memory", f"{mebibytes(first)} → {mebibytes(last)} ({grown:+.1%}) after {counts(traffic.done)}", grown <= MOST)
        verdicts.add("soak: answers", "; ".join(failures[:3]) or "all as they should be", not failures and server.alive())


class Traffic:
    """Clients in threads, and h2load for the bulk of HTTP/2."""

    def __init__(self, ground, server):
        self.ground, self.server = ground, server
        self.stopped, self.failures, self.done, self.lock = threading.Event(), [], {}, threading.Lock()
        names = [file.name for file in sorted(ground.files.iterdir())]
        self.pictures = [name for name in names if name.endswith((".jpg", ".png", ".webp"))]
        self.texts = [name for name in names if name.endswith(".js")]

    def begin(self):
        kinds = [self.bulk, self.plain, self.plain, self.pictured, self.aborted, self.reloads]
        self.threads = [threading.Thread(target=self.repeat, args=(kind, random.Random(seed))) for seed, kind in enumerate(kinds)]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return self.failures

    def repeat(self, kind, chance):
        while not self.stopped.is_set():
            try:
                kind(chance)
            except Exception as error:  # whatever it is, it is a finding
                self.failures.append(f"{kind.__name__}: {error!r}")
                self.stopped.wait(0.5)

    def count(self, what, number=1):
        with self.lock:
            self.done[what] = self.done.get(what, 0) + number

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.ports["http"], timeout=30)

    def bulk(self, chance):
        """HTTP/2 over TLS, 800 requests a second."""
        urls = self.ground.scratch / "urls"
        urls.write_text("".join(f"{self.server.https}/{name}\n" for name in chance.sample(self.texts, 50)))
        ran = subprocess.run(["h2load", "-i", urls, "-c", "8", "-m", "16", "--rps=100", "-D", "3", "-H",
                              f"accept-encoding: {chance.choice(['br', 'gzip', 'zstd', 'identity'])}"], capture_output=True, text=True, check=True)
        status = next(line for line in ran.stdout.splitlines() if line.startswith("status codes"))
        good, others = int(status.split()[2]), [int(word) for word in status.split() if word.isdigit()][1:]
        self.count("h2", good)
        if any(others):
            self.failures.append(f"h2load: {status}")

    def plain(self, chance):
        """A connection of HTTP/1.1: whole files, ranges, conditions, what is not there."""
        connection = self.connect()
        for _ in range(chance.randrange(1, 40)):
            name = chance.choice([*self.texts, "large.bin", "medium.bin", "small.css"])
            fields, expected = chance.choice([({}, 200), ({"Range": f"bytes={chance.randrange(5)}-"}, 206), ({"Range": "bytes=0-5,20-30"}, 206),
                                              ({"If-None-Match": "*"}, 304), ({"Accept-Encoding": "br, gzip"}, 200)])
            method = "HEAD" if name == "large.bin" or chance.random() < 0.1 else "GET"
            if chance.random() < 0.1:
                name, fields, expected = f"none/{chance.random()}", {}, 404
            connection.request(method, f"/{name}?v={chance.randrange(1_000_000)}", headers=fields)
            response = connection.getresponse()
            response.read()
            if response.status != (200 if method == "HEAD" and expected == 206 else expected):
                self.failures.append(f"{method} /{name} {fields}: {response.status}")
            self.count("h1")
        connection.close()
        self.stopped.wait(0.02)

    def pictured(self, chance):
        """An image in any width, so that the cache is full and evicts."""
        connection = self.connect()
        query = f"w={chance.randrange(16, 400)}&fm={chance.choice(['jpg', 'webp', 'png'])}"
        connection.request("GET", f"/{chance.choice(self.pictures)}?{query}")
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            self.failures.append(f"image {query}: {response.status}")
        self.count("images")
        connection.close()
        self.stopped.wait(0.05)

    def aborted(self, chance):
        """A download, or an image, that is not waited for."""
        connection = self.connect()
        connection.request("GET", chance.choice(["/large.bin", f"/{chance.choice(self.pictures)}?w={chance.randrange(16, 400)}"]))
        if chance.random() < 0.7:
            connection.getresponse().read(chance.randrange(1, 100_000))
        connection.sock.close()
        self.count("aborted")
        self.stopped.wait(0.05)

    def reloads(self, chance):
        """A changed file and a reload, every few seconds."""
        name = chance.choice(self.texts)
        (self.ground.files / "new").write_text(f"const changed = {chance.random()};\n" * 50)
        (self.ground.files / "new").rename(self.ground.files / name)
        self.server.process.send_signal(signal.SIGHUP)
        self.count("reloads")
        self.stopped.wait(3)
