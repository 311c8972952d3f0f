"""Messages over HTTP/2: RFC 9113 §8, numbered as RFC 7540 had them (8.1.2.x became 8.2 and 8.3), and what would smuggle when it is sent
on in HTTP/1.1 (RFC 9113 §10.3, RFC 9112 §11)."""
from conformance.case import Case
from conformance.frames import (CONNECT_ERROR, END_HEADERS, GOAWAY, NONE, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, block, data, frame,
                                headers, request, u32)
from conformance.frames import HEADERS
from conformance.peer import answered, goaway, reset


def cases(scheme):
    return (exchanges(scheme) + fields(scheme) + pseudo_fields(scheme) + request_fields(scheme) + authorities(scheme) +
            lengths(scheme) + smuggling(scheme))


def malformed(name, claim, fields, flags=END_HEADERS | 1, *more):
    """Malformed: a stream error PROTOCOL_ERROR, and never a response (RFC 9113 §8.1.1)."""
    return Case(name, claim, headers(1, block(fields), flags), *more, refused)


def refused(peer):
    reset(PROTOCOL_ERROR)(peer)
    assert not [frame for frame in peer.seen if frame.is_(HEADERS, 1)], peer.seen


def exchanges(scheme):
    post = headers(1, block(request(scheme, method="POST", path="/")), END_HEADERS)
    trailers = block([("x-test", "ok")])
    return [
        Case("http2/8.1/1", "a second HEADERS without END_STREAM is a stream error", post + data(1, flags=NONE) +
             headers(1, trailers, END_HEADERS), reset(PROTOCOL_ERROR)),
        Case("http2/8.1/more1", "a response is complete although the request is not, and then the rest is not wanted", post,
             answered(1, 405), the_rest_is_not_wanted),
        Case("http2/8.2/1", "PUSH_PROMISE of a client is a connection error",
             frame(PUSH_PROMISE, END_HEADERS, 1, u32(3) + block(request(scheme))), goaway(PROTOCOL_ERROR)),
    ]


def the_rest_is_not_wanted(peer):
    ending = peer.until("RST_STREAM", lambda frame: frame.is_(RST_STREAM, 1))
    assert ending.code() == 0, ending
    peer.alive()


def fields(scheme):
    def wrong(name, claim, *more):
        return malformed(f"http2/{name}", claim, request(scheme, *more))
    return [
        wrong("8.1.2/1", "a field name in upper case is malformed", ("X-TEST", "ok")),
        wrong("8.2.1/more1", "a field name with a space is malformed", ("x test", "ok")),
        wrong("8.2.1/more2", "a field name with a colon within is malformed", ("x:test", "ok")),
        wrong("8.2.1/more3", "an empty field name is malformed", ("", "ok")),
        wrong("8.2.1/more4", "a field name with a control byte is malformed", ("x\x01", "ok")),
        wrong("8.2.1/more5", "a field name with a byte above 0x7e is malformed", ("x\xe4", "ok")),
        wrong("8.2.1/more6", "a value that begins with a space is malformed", ("x-test", " ok")),
        wrong("8.2.1/more7", "a value that ends with a tab is malformed", ("x-test", "ok\t")),
        wrong("8.1.2.2/1", "Connection is malformed", ("connection", "keep-alive")),
        wrong("8.1.2.2/2", "TE of anything but trailers is malformed", ("trailers", "test"), ("te", "trailers, deflate")),
        wrong("8.2.2/more1", "Keep-Alive is malformed", ("keep-alive", "timeout=5")),
        wrong("8.2.2/more2", "Proxy-Connection is malformed", ("proxy-connection", "keep-alive")),
        wrong("8.2.2/more3", "Upgrade is malformed", ("upgrade", "websocket")),
        Case("http2/8.2.2/more4", "TE of trailers is accepted", headers(1, block(request(scheme, ("te", "trailers")))), answered(1)),
        Case("http2/8.2.3/more1", "Cookie in several lines is accepted",
             headers(1, block(request(scheme, ("cookie", "a=b"), ("cookie", "c=d")))), answered(1)),
    ]


def pseudo_fields(scheme):
    whole = request(scheme)
    post = request(scheme, method="POST")
    in_trailers = headers(1, block([(":method", "POST")]), END_HEADERS)
    in_last_trailers = headers(1, block([(":status", "200")]))
    return [
        malformed("http2/8.1.2.1/1", "an unknown pseudo-field is malformed", whole + [(":test", "ok")]),
        malformed("http2/8.1.2.1/2", "a response's pseudo-field is malformed", whole + [(":status", "200")]),
        Case("http2/8.1.2.1/3", "a pseudo-field in trailers is malformed", headers(1, block(post), END_HEADERS) + data(1, flags=NONE) +
             in_trailers, reset(PROTOCOL_ERROR)),
        Case("http2/8.1.2.1/more1", "also when they end the stream", headers(1, block(post), END_HEADERS) + data(1, flags=NONE) +
             in_last_trailers, reset(PROTOCOL_ERROR)),
        malformed("http2/8.1.2.1/4", "a pseudo-field after a field is malformed", [("x-test", "ok")] + whole),
        malformed("http2/8.1.2.1/more2", "one among them is too", whole[:2] + [("x-test", "ok")] + whole[2:]),
    ]


def request_fields(scheme):
    def wrong(number, claim, *more, **changed):
        return malformed(f"http2/8.1.2.3/{number}", claim, request(scheme, *more, **changed))
    method, named_scheme, path, _ = request(scheme)
    return [
        wrong(1, "an empty :path is malformed", path=""),
        wrong(2, "no :method is malformed", without=["method"]),
        wrong(3, "no :scheme is malformed", without=["scheme"]),
        wrong(4, "no :path is malformed", without=["path"]),
        wrong(5, "two :method are malformed", method),
        wrong(6, "two :scheme are malformed", named_scheme),
        wrong(7, "two :path are malformed", path),
        wrong("more1", "two :authority are malformed", (":authority", "127.0.0.1")),
        malformed("http2/8.1.2.3/more2", "two :path side by side are malformed", [method, named_scheme, path, (":path", "/other")]),
        wrong("more3", "an empty :method is malformed", method=""),
        wrong("more4", "a :method that is no token is malformed", method="GET /"),
        wrong("more5", "a :path that is neither a path nor * is malformed", path="index.html"),
        wrong("more6", "a :path in absolute form is malformed", path="http://127.0.0.1/"),
        wrong("more7", "* is for OPTIONS alone", path="*"),
        Case("http2/8.3.1/more1", "* with OPTIONS is answered", headers(1, block(request(scheme, method="OPTIONS", path="*"))),
             answered(1, 204)),
        Case("http2/8.5/more1", "CONNECT is refused in a way that it may be",
             headers(1, block([(":method", "CONNECT"), (":authority", "127.0.0.1:443")]), END_HEADERS), connect_refused),
        malformed("http2/8.5/more2", "CONNECT with :path is malformed", request(scheme, method="CONNECT"), END_HEADERS),
        malformed("http2/8.5/more3", "CONNECT without :authority is malformed", [(":method", "CONNECT")], END_HEADERS),
    ]


def connect_refused(peer):
    first = peer.until("an answer", lambda frame: frame.stream == 1)
    if first.is_(HEADERS):
        assert dict(first.fields)[":status"] in ("400", "405", "501"), first.fields
    else:
        assert first.is_(RST_STREAM) and first.code() in (PROTOCOL_ERROR, CONNECT_ERROR), first
    peer.alive()


def authorities(scheme):
    def not_served(number, claim, *more, **changed):
        return Case(f"http2/8.3.1/{number}", claim, headers(1, block(request(scheme, *more, **changed))), malformed_or_400)
    return [
        not_served("authority1", "neither :authority nor Host is malformed", without=["authority"]),
        not_served("authority2", "an empty :authority is malformed", authority=""),
        not_served("authority3", "an :authority with user information is malformed", authority="user@127.0.0.1"),
        not_served("authority4", "Host that differs from :authority is malformed", ("host", "other.example")),
        not_served("authority5", "two Host are malformed", ("host", "127.0.0.1"), ("host", "other.example"), without=["authority"]),
        not_served("authority6", "an :authority that is no host is malformed", authority="a b"),
        not_served("authority7", "an :authority with a path is malformed", authority="127.0.0.1/x"),
        not_served("authority8", "an empty Host alone is malformed", ("host", ""), without=["authority"]),
        not_served("authority9", "a Host that is no host is malformed", ("host", "a/b"), without=["authority"]),
        Case("http2/8.3.1/authority10", "Host alone is enough",
             headers(1, block(request(scheme, ("host", "127.0.0.1"), without=["authority"]))), answered(1)),
        Case("http2/8.3.1/authority11", "Host that is the same is accepted",
             headers(1, block(request(scheme, ("host", "127.0.0.1")))), answered(1)),
    ]


def malformed_or_400(peer):
    """Malformed; or 400, which §8.1.1 allows before the reset and RFC 9112 §3.2 asks for in HTTP/1.1."""
    first = peer.until("an answer", lambda frame: frame.stream == 1 or frame.is_(GOAWAY))
    if first.is_(HEADERS):
        assert dict(first.fields)[":status"] == "400", first.fields
    else:
        assert first.is_(RST_STREAM) and first.code() == PROTOCOL_ERROR, f"{first}: {peer.seen}"
    peer.alive()


def lengths(scheme):
    def with_length(length, *more, path="/"):
        return headers(1, block(request(scheme, *(("content-length", one) for one in (length, *more)), method="POST", path=path)),
                       END_HEADERS)
    return [
        Case("http2/8.1.2.6/1", "a Content-Length that is not the DATA's is malformed", with_length("1") + data(1), reset(PROTOCOL_ERROR)),
        Case("http2/8.1.2.6/2", "nor the sum of several", with_length("1") + data(1, flags=NONE) + data(1), reset(PROTOCOL_ERROR)),
        Case("http2/8.1.1/more1", "less DATA than Content-Length says is malformed", with_length("5") + data(1), reset(PROTOCOL_ERROR)),
        Case("http2/8.1.1/more2", "also when trailers end it", with_length("5") + data(1, flags=NONE) + headers(1, block([("x", "1")])),
             reset(PROTOCOL_ERROR)),
        malformed("http2/8.1.1/more3", "a Content-Length and no content is malformed", request(scheme, ("content-length", "5"))),
        *(malformed(f"http2/8.1.1/length{i}", f"Content-Length {value!r} is malformed", request(scheme, ("content-length", value)))
          for i, value in enumerate(("+0", "-1", "0x0", "0, 0", "", "99999999999999999999999"))),
        malformed("http2/8.1.1/more4", "two different Content-Length are malformed",
                  request(scheme, ("content-length", "0"), ("content-length", "1"))),
    ]


def smuggling(scheme):
    """What becomes two requests, or another one, if somebody writes it down in HTTP/1.1."""
    def wrong(name, claim, *more, **changed):
        return malformed(f"downgrade/{name}", claim + " is malformed", request(scheme, *more, **changed))
    second = "\r\n\r\nGET /secret HTTP/1.1\r\nHost: a\r\n\r\n"
    targets = {"space": "/ HTTP/1.1", "crlf": "/" + second, "lf": "/\nx: y", "cr": "/\rx", "nul": "/\0", "tab": "/\tx", "del": "/\x7f"}
    values = {"crlf": "a" + second, "lf": "a\nb: c", "cr": "a\rb", "nul": "a\0b", "lf-at-the-end": "a\n", "only-cr": "\r"}
    return [
        wrong("te1", "Transfer-Encoding", ("transfer-encoding", "chunked")),
        wrong("te2", "Transfer-Encoding beside Content-Length", ("content-length", "0"), ("transfer-encoding", "chunked")),
        wrong("te3", "Transfer-Encoding of identity", ("transfer-encoding", "identity")),
        wrong("connection1", "Connection: close", ("connection", "close")),
        wrong("connection2", "Connection that names another field", ("connection", "x-test"), ("x-test", "1")),
        *(wrong(f"path-{name}", f":path {value!r}", path=value) for name, value in targets.items()),
        *(wrong(f"value-{name}", f"value {value!r}", ("x-test", value)) for name, value in values.items()),
        *(wrong(f"known-value-{name}", f"If-None-Match {value!r}", ("if-none-match", value)) for name, value in values.items()),
        *(wrong(f"method-{name}", f":method {value!r}", method=value)
          for name, value in {"space": "GET / HTTP/1.1", "crlf": "GET" + second, "nul": "GET\0"}.items()),
        *(wrong(f"scheme-{name}", f":scheme {value!r}", scheme=value)
          for name, value in {"crlf": "http\r\nx: y", "space": "http ://a/?", "slash": "http://evil.example/?"}.items()),
        *(wrong(f"name-{name}", f"field name {value!r}", (value, "1"))
          for name, value in {"crlf": "x\r\ny", "lf": "x\ny", "colon": "x: y", "space-at-the-end": "x "}.items()),
        *(Case(f"downgrade/authority-{name}", f":authority {value!r} is malformed",
               headers(1, block(request(scheme, authority=value))), malformed_or_400)
          for name, value in {"crlf": "a\r\nx: y", "space": "a b", "nul": "a\0"}.items()),
    ]
