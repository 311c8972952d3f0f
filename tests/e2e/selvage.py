"""What the end-to-end tests share: a running server on free ports, real clients, and bounded waiting.

The program comes from the environment (tests/e2e/CMakeLists.txt):
    SELVAGE_PROGRAM       the `selvage` to test; `selvage-transform` lies beside it
    SELVAGE_SHARED_DATA   real pictures and bundles, where there are some
"""
import gzip
import http.client
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("SELVAGE_PROGRAM") or sys.exit("e2e: SELVAGE_PROGRAM does not say which selvage to test")
DEADLINE = 60  # seconds for what takes well under one: the machine may be busy and the program sanitised
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer")


def until(what, condition, deadline=DEADLINE):
    """The condition's first true value; for what announces itself by no event."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)


def write(root, files):
    """Makes files of a tree: {"a/b.txt": bytes}."""
    for name, content in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def decode(body, coding):
    """The bytes behind a content coding, by the reference programs."""
    if coding in (None, "", "identity"):
        return body
    if coding == "gzip":
        return gzip.decompress(body)
    command = {"br": ["brotli", "-dc"], "zstd": ["zstd", "-dcq"]}[coding]
    return subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True, timeout=DEADLINE).stdout


class Response:
    def __init__(self, status, fields, body=b"", protocol=""):
        self.status, self.fields, self.body, self.protocol = status, fields, body, protocol

    def __getitem__(self, name):
        """The field's value, None without one; several lines are joined as RFC 9110 §5.3 has it."""
        values = [value for key, value in self.fields if key == name]
        return ", ".join(values) if values else None

    def __contains__(self, name):
        return self[name] is not None

    @property
    def content(self):
        return decode(self.body, self["content-encoding"])

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:300]!r}"


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    fields = [line.split(":", 1) for line in lines[1:] if line]
    return int(lines[0].split()[1]), [(name.lower(), value.strip()) for name, value in fields]


CURL_PROTOCOLS = {"h2": ["--http2"], "https/1.1": ["--http1.1"], "http/1.1": ["--http1.1"], "http/1.0": ["--http1.0"],
                  "h2c": ["--http2-prior-knowledge"]}


class Server:
    """`selvage serve` with a folder and a cache of its own. Ends with SIGTERM, and must end well."""

    def __init__(self, root=None, config=None, arguments=(), cache=None, environment=None):
        self.temporary = tempfile.TemporaryDirectory(prefix="selvage-e2e-")
        self.folder = pathlib.Path(self.temporary.name)
        self.cache = pathlib.Path(cache) if cache else self.folder / "cache"
        self.config = self.folder / "selvage.toml"
        command = [PROGRAM, "serve"]
        if root is not None:
            self.root = pathlib.Path(root)
            command.append(str(root))
        if config is not None:
            self.config.write_text(config)
            command += ["--config", str(self.config)]
        command += ["--listen", "https://127.0.0.1:0", "--listen", "http://127.0.0.1:0", "--admin", "127.0.0.1:0",
                    "--cache", str(self.cache), "--workers", "2", *map(str, arguments)]
        self.errors = self.folder / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(environment or {})})
        self.ports = {}
        try:
            self._read_ports()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _read_ports(self):
        text, end = b"", time.monotonic() + DEADLINE
        while text.count(b"\n") < 3:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                raise AssertionError(f"the server did not say that it listens: {text!r}\n{self.log()}")
            text += chunk
        self.announced = text.decode().splitlines()
        for kind, port in re.findall(r"^(?:listening )?(https|http|admin)(?: http)?://127\.0\.0\.1:(\d+)$", text.decode(), re.M):
            self.ports[kind] = int(port)
        assert set(self.ports) == {"https", "http", "admin"}, self.announced

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop(expect_good=kind is None)

    def log(self):
        return self.errors.read_text(errors="replace")

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, expect_good=True):
        if self.process.poll() is None:
            self.send(number)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        log = self.log()
        self.temporary.cleanup()
        assert not SANITIZER.search(log), log
        assert status == 0 or not expect_good, f"exit status {status}\n{log}"
        return log

    def url(self, path, protocol="h2"):
        scheme = "https" if protocol in ("h2", "https/1.1") else "http"
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}{path}"

    def get(self, path, protocol="h2", method=None, fields=None, more=()):
        """One request by curl, its path as it is given. `fields` are the request's header fields."""
        with tempfile.TemporaryDirectory(prefix="selvage-curl-") as folder:
            head, body = os.path.join(folder, "head"), os.path.join(folder, "body")
            command = ["curl", "-sSk", "--path-as-is", "--globoff", "--max-time", str(DEADLINE), *CURL_PROTOCOLS[protocol],
                       "-D", head, "-o", body, "-w", "%{http_version}", "-A", "e2e"]
            command += ["--head"] if method == "HEAD" else ["-X", method] if method else []
            for name, value in (fields or {}).items():
                command += ["-H", f"{name}: {value}" if value else f"{name};"]
            done = subprocess.run([*command, *more, self.url(path, protocol)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=2 * DEADLINE)
            if done.returncode != 0:
                raise OSError(f"curl {path}: {done.stderr.decode()}")
            with open(head, "rb") as file:
                status, parsed = parse_head(file.read().strip().split(b"\r\n\r\n")[-1])
            # curl repeats the head in the place of the body that a HEAD has not; it would complain about a body.
            content = pathlib.Path(body).read_bytes() if method != "HEAD" and os.path.exists(body) else b""
            return Response(status, parsed, content, done.stdout.decode())

    def admin(self, path, method="GET"):
        done = subprocess.run(["curl", "-sS", "-i", "-X", method, "--max-time", str(DEADLINE),
                               f"http://127.0.0.1:{self.ports['admin']}{path}"], stdout=subprocess.PIPE, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return Response(*parse_head(head), body)

    def metrics(self):
        """{'name{labels}': value} of /metrics, without the prefix."""
        lines = self.admin("/metrics").body.decode().splitlines()
        values = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name.removeprefix("selvage_"): float(value) for name, value in values}

    def metric(self, name):
        """The sum over all labels of a family, or one line with its labels."""
        return sum(value for key, value in self.metrics().items() if key == name or key.startswith(name + "{"))

    def connect(self, tls=False, alpn=None, timeout=DEADLINE):
        plain = socket.create_connection(("127.0.0.1", self.ports["https" if tls else "http"]), timeout)
        if not tls:
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        return context.wrap_socket(plain)

    def raw(self, *parts, tls=False):
        """Sends bytes (each part in a segment of its own) and returns everything until the server closes."""
        with self.connect(tls, ["http/1.1"], timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts:
                connection.sendall(part)
            return read_all(connection)

    def workers(self):
        """Process ids of the transform workers."""
        def parent(stat):
            try:
                return int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:  # ended in between
                return 0
        stats = pathlib.Path("/proc").glob("[0-9]*/stat")
        return [int(stat.parent.name) for stat in stats if parent(stat) == self.process.pid]


class Client:
    """One kept-alive HTTP/1.1 connection, for many requests in a row."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def get(self, path, fields=None):
        self.connection.request("GET", path, headers={"Accept-Encoding": "identity", **(fields or {})})
        response = self.connection.getresponse()
        return Response(response.status, [(name.lower(), value) for name, value in response.getheaders()], response.read())


def read_all(connection):
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except TimeoutError:
        raise AssertionError(f"the connection stays open after {received!r}") from None
    except (ConnectionResetError, ssl.SSLError):
        pass
    return received


def responses(received):
    """The HTTP/1 responses of a byte stream, each with a Content-Length (or without a body)."""
    found = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head
        status, fields = parse_head(head)
        response = Response(status, fields)
        length = 0 if status in (204, 304) else int(response["content-length"])
        response.body, received = received[:length], received[length:]
        found.append(response)
    return found


class ServerCase(unittest.TestCase):
    """Tests that share one server: `files` is its folder, `settings` what a configuration adds, `prepare` what it makes."""

    files = {}
    arguments = ()

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="selvage-root-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.root = pathlib.Path(cls.temporary.name)
        write(cls.root, cls.files)
        cls.prepare()
        cls.server = cls.start()
        cls.addClassCleanup(lambda: cls.server.stop())

    @classmethod
    def start(cls):
        return Server(cls.root, arguments=cls.arguments)
