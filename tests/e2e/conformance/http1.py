"""HTTP/1.1 requests as bytes, however wrong."""

SMUGGLED = b"nobody asked for this"
SECOND = b"GET /smuggled.txt HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"


def request(*fields, line=b"GET /a.txt HTTP/1.1", host=b"example.org"):
    """A request's head: its line, Host and more field lines, each without its CRLF."""
    return b"\r\n".join((line, b"Host: " + host, *fields)) + b"\r\n\r\n"


def body_of(received):
    """The head and the rest."""
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest
