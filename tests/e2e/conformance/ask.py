"""One request in raw bytes over each of the four ways to ask, and the response."""
from conformance import frames
from conformance.frames import END_HEADERS, END_STREAM
from conformance.peer import DEADLINE, GOAWAY, RST_STREAM, Peer
from messages import Response, parse_head, read_all

WAYS = ("h2 over TLS", "h2", "http/1.1 over TLS", "http/1.1")


def ask(server, way, method="GET", target="/", fields=(), host="127.0.0.1", content=b""):
    """`fields`: (name, value) pairs as they are sent. A request that HTTP/2 calls malformed is a response of status 400."""
    tls = way.endswith("TLS")
    asking = ask_http2 if way.startswith("h2") else ask_http1
    return asking(server, tls, method, target, fields, host, content)


def ask_http1(server, tls, method, target, fields, host, content):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *(f"{name}: {value}" for name, value in fields)]
    if content:
        lines.append(f"Content-Length: {len(content)}")
    with server.connect(tls, ["http/1.1"], timeout=DEADLINE) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    status, received = parse_head(head)
    return Response(status, [field for field in received if field[0] != "connection"], body, "1.1")


def ask_http2(server, tls, method, target, fields, host, content):
    with Peer(server, tls) as peer:
        peer.greet()
        request = frames.request(peer.scheme, *((name.lower(), value) for name, value in fields), method=method, path=target,
                                 authority=host)
        peer.send(frames.headers(1, frames.block(request), END_HEADERS | (0 if content else END_STREAM)) +
                  (frames.data(1, content) if content else b""))
        first = peer.until("a response", lambda frame: frame.stream == 1 or frame.is_(GOAWAY))
        if first.is_(RST_STREAM):
            return Response(400, [])
        return peer.exchange(1, first)
