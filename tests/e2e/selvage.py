"""The program under test: a running `selvage serve` on free ports, asked and looked at from outside.

Which one comes from the environment (README.md): SELVAGE_PROGRAM; `selvage-transform` lies beside it.
"""
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
from resource import RLIMIT_NOFILE, setrlimit

from clients import curl
from messages import Response, parse_head, read_all
from waiting import DEADLINE

PROGRAM = os.environ.get("SELVAGE_PROGRAM") or sys.exit("e2e: SELVAGE_PROGRAM does not say which selvage to test")
SANITIZED = b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()  # slower, and with an allocator of its own
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer")


class Server:
    """`selvage serve` with a folder and a cache of its own. Ends with SIGTERM, and must end well.

    `workers`: its loops; None: what the configuration says. `program`: another `selvage`. `descriptors`: the (soft, hard) limit that it is started with, else the test's own.
    """

    def __init__(self, root=None, config=None, arguments=(), cache=None, environment=None, workers=2, descriptors=None,
                 program=PROGRAM):
        self.temporary = tempfile.TemporaryDirectory(prefix="selvage-e2e-")
        self.folder = pathlib.Path(self.temporary.name)
        self.cache = pathlib.Path(cache) if cache else self.folder / "cache"
        self.config = self.folder / "selvage.toml"
        command = [str(program), "serve"]
        if root is not None:
            self.root = pathlib.Path(root)
            command.append(str(root))
        if config is not None:
            self.config.write_text(config)
            command += ["--config", str(self.config)]
        command += ["--listen", "https://127.0.0.1:0", "--listen", "http://127.0.0.1:0", "--admin", "127.0.0.1:0",
                    "--cache", str(self.cache), *map(str, arguments)]
        if workers is not None:
            command += ["--workers", str(workers)]
        self.errors = self.folder / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(environment or {})},
                                            preexec_fn=descriptors and (lambda: setrlimit(RLIMIT_NOFILE, descriptors)))
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
        """Waits for a good end and returns the log. `number` is None when the server was told to end already."""
        if number is not None and self.process.poll() is None:
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
        """One request by curl: see there."""
        return curl(self.url(path, protocol), protocol, method, fields, more)

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
