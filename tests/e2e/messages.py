"""What comes back: a response with its fields, from whichever client read it, and the content behind its coding."""
import gzip
import ssl
import subprocess

from waiting import DEADLINE


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
