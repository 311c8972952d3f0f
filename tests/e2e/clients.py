"""Two ways to ask: curl for every protocol, and one HTTP/1.1 connection for many requests in a row."""
import http.client
import os
import pathlib
import subprocess
import tempfile

from messages import Response, parse_head
from waiting import DEADLINE

CURL_PROTOCOLS = {"h2": ["--http2"], "https/1.1": ["--http1.1"], "http/1.1": ["--http1.1"], "http/1.0": ["--http1.0"],
                  "h2c": ["--http2-prior-knowledge"]}


def curl(url, protocol, method=None, fields=None, more=()):
    """One request, its path as it is given. `fields` are the request's header fields, `more` further options of curl."""
    with tempfile.TemporaryDirectory(prefix="selvage-curl-") as folder:
        head, body = os.path.join(folder, "head"), os.path.join(folder, "body")
        command = ["curl", "-sSk", "--path-as-is", "--globoff", "--max-time", str(DEADLINE), *CURL_PROTOCOLS[protocol],
                   "-D", head, "-o", body, "-w", "%{http_version}", "-A", "e2e"]
        command += ["--head"] if method == "HEAD" else ["-X", method] if method else []
        for name, value in (fields or {}).items():
            command += ["-H", f"{name}: {value}" if value else f"{name};"]
        done = subprocess.run([*command, *more, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=2 * DEADLINE)
        if done.returncode != 0:
            raise OSError(f"curl {url[:300]}: {done.stderr.decode()}")
        with open(head, "rb") as file:
            status, parsed = parse_head(file.read().strip().split(b"\r\n\r\n")[-1])
        # curl repeats the head in the place of the body that a HEAD has not; it would complain about a body.
        content = pathlib.Path(body).read_bytes() if method != "HEAD" and os.path.exists(body) else b""
        return Response(status, parsed, content, done.stdout.decode())


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
