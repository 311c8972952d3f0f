#!/usr/bin/python3
"""HTTP/1.1 byte by byte: RFC 9112, protocol-and-limits §1 and §3."""
import socket
import unittest

from messages import read_all, responses
from server_case import ServerCase

GET = b"GET /a.txt HTTP/1.1\r\nHost: example.org\r\n\r\n"
LAST = b"GET /a.txt HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"


class Bytes(ServerCase):
    files = {"a.txt": b"content of a", "b.txt": b"content of b", "big.mp4": b"B" * (48 << 20)}

    def ask(self, *parts, tls=False):
        return responses(self.server.raw(*parts, tls=tls))

    def test_two_requests_in_one_segment_are_answered_in_order(self):
        for tls in (False, True):
            found = self.ask(GET + GET.replace(b"a.txt", b"b.txt") + LAST, tls=tls)
            self.assertEqual([(one.status, one.body) for one in found],
                             [(200, b"content of a"), (200, b"content of b"), (200, b"content of a")])
            self.assertEqual([one["connection"] for one in found], [None, None, "close"])

    def test_a_hundred_pipelined_requests_with_slow_and_quick_answers_keep_their_order(self):
        found = self.ask(b"".join(GET.replace(b"a.txt", name) for name in [b"a.txt", b"missing", b"b.txt", b""] * 25) + LAST)
        self.assertEqual([one.status for one in found], [200, 404, 200, 404] * 25 + [200])
        self.assertEqual(found[-1].body, b"content of a")

    def test_a_request_in_single_bytes_is_understood(self):
        [one] = self.ask(*(LAST[i:i + 1] for i in range(len(LAST))))
        self.assertEqual((one.status, one.body), (200, b"content of a"))

    def test_head_has_no_body_and_the_next_answer_follows(self):
        received = self.server.raw(GET.replace(b"GET", b"HEAD") + LAST)
        head, rest = received.split(b"\r\n\r\n", 1)
        self.assertIn(b"content-length: 12", head.lower())
        self.assertEqual(responses(rest)[0].body, b"content of a")

    def test_http_1_0_closes_unless_asked_and_needs_no_host(self):
        [one] = self.ask(b"GET /a.txt HTTP/1.0\r\n\r\n")
        self.assertEqual((one.status, one.body), (200, b"content of a"))
        kept = self.ask(b"GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + b"GET /b.txt HTTP/1.0\r\n\r\n")
        self.assertEqual([one.body for one in kept], [b"content of a", b"content of b"])
        self.assertEqual(kept[0]["connection"], "keep-alive")

    def refused(self, request, status=400):
        """One answer, then the connection is closed: what follows is never taken for a request."""
        with self.subTest(request=request):
            found = self.ask(request + GET)
            self.assertEqual([one.status for one in found], [status])
            self.assertEqual(found[0]["connection"], "close")

    def test_what_may_be_read_in_two_ways_is_refused(self):  # RFC 9112 §11.2
        start = b"GET /a.txt HTTP/1.1\r\nHost: a\r\n"
        for fields in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                       b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                       b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", b"Content-Length: 5, 6\r\n\r\nhello",
                       b"Content-Length: +5\r\n\r\nhello",
                       b"Content-Length: 0x5\r\n\r\nhello", b"Content-Length: -1\r\n\r\n",
                       b"Content-Length: 99999999999999999999999\r\n\r\n", b"Content-Length:\r\n\r\n",
                       b"X: a\r\n b\r\n\r\n", b"X: a\r\n\tb\r\n\r\n", b" X: a\r\n\r\n", b"X : a\r\n\r\n", b"X\t: a\r\n\r\n",
                       b": a\r\n\r\n", b"no colon\r\n\r\n",
                       b"X: a\0b\r\n\r\n", b"X: a\rb\r\n\r\n", b"X: a\nY: b\r\n\r\n", b"X(: a\r\n\r\n",
                       b"Transfer-Encoding : chunked\r\n\r\n"):
            self.refused(start + fields)
        for fields in (b"Transfer-Encoding: gzip\r\n\r\n", b"Transfer-Encoding: chunked, gzip\r\n\r\n",
                       b"Transfer-Encoding: xchunked\r\n\r\n"):
            found = self.ask(start + fields + GET)
            self.assertEqual((len(found), found[0].status in (400, 501)), (1, True), fields)

    def test_a_request_line_or_line_end_that_is_not_one_is_refused(self):
        for request in (b"GET /a.txt HTTP/1.1\nHost: a\n\n", b"GET /a.txt HTTP/1.1\r\nHost: a\n\r\n",
                        b"GET  /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /a .txt HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"GET /a.txt\r\n\r\n", b"GET a.txt HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"G\xc3\x84T /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"):
            with self.subTest(request=request):
                self.assertIn([one.status for one in self.ask(request + GET)], ([400], [501], [505]))
        self.refused(b"GET /a.txt HTTP/2.0\r\nHost: a\r\n\r\n", 505)
        self.refused(b"GET /a.txt HTTP/3.1\r\nHost: a\r\n\r\n", 505)

    def test_host_is_there_once_and_is_a_host(self):  # RFC 9112 §3.2
        for request in (b"GET /a.txt HTTP/1.1\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                        b"GET /a.txt HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                        b"GET /a.txt HTTP/1.1\r\nHost: a b\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a/b\r\n\r\n",
                        b"GET /a.txt HTTP/1.1\r\nHost: user@a\r\n\r\n"):
            self.refused(request)

    def test_absolute_form_names_the_host_and_the_path(self):
        for target in (b"http://example.org/a.txt", b"HTTPS://other.example:8443/a.txt"):
            [one] = self.ask(LAST.replace(b"/a.txt", target, 1))
            self.assertEqual((one.status, one.body), (200, b"content of a"), target)

    def test_asterisk_form_is_for_options_alone(self):
        [one] = self.ask(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertEqual((one.status, set(one["allow"].split(", "))), (204, {"GET", "HEAD", "OPTIONS"}))
        self.refused(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_expect_continue_is_answered_without_waiting_for_the_body(self):  # RFC 9110 §10.1.1
        found = self.ask(b"POST /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        self.assertEqual([one.status for one in found], [405])

    def test_a_body_is_never_taken_for_the_next_request(self):
        for request in (b"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET),
                        b"POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2a\r\n"):
            found = self.ask(request + GET)
            self.assertEqual(len(found), 1, request)
        found = self.ask(b"GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + LAST)
        self.assertEqual([one.status for one in found], [200, 200])

    def test_empty_lines_before_a_request_are_skipped(self):  # RFC 9112 §2.2
        self.assertEqual([one.status for one in self.ask(b"\r\n\r\n" + GET + b"\r\n" + LAST)], [200, 200])

    def test_limits_are_answered_and_the_connection_closed(self):
        self.refused(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414)
        self.refused(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000 + b"\r\n\r\n", 431)
        self.refused(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 101 + b"\r\n", 431)
        for endless in (b"GET /" + b"a" * 100_000, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000,
                        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 20_000):
            self.assertIn(self.ask(endless)[0].status, (414, 431))

    def test_a_client_that_closes_its_half_gets_its_answers(self):  # RFC 9112 §9.6
        with self.server.connect() as connection:
            connection.sendall(GET + GET.replace(b"a.txt", b"b.txt"))
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual([one.body for one in responses(read_all(connection))], [b"content of a", b"content of b"])


if __name__ == "__main__":
    unittest.main()
