#!/usr/bin/python3
"""HTTP/1.1 byte by byte, over TLS and plain: what RFC 9112 requires and http1_test.py does not prove yet (conformance/README.md).

What may be understood in two ways is refused, and the bytes behind it are never answered: they ask for smuggled.txt.
"""
import re
import socket
import unittest

from conformance.http1 import SECOND, SMUGGLED, body_of, request
from messages import parse_head, read_all, responses
from server_case import ServerCase

LAST = request(b"Connection: close")


class Http1(ServerCase):
    files = {"a.txt": b"content of a", "b.txt": b"content of b", "smuggled.txt": SMUGGLED, "docs/index.html": b"<p>docs</p>"}

    def each(self, cases, check):
        """Every case on both transports."""
        for tls in (False, True):
            for sent in cases:
                with self.subTest(tls=tls, sent=sent):
                    check(sent, tls)

    def refused(self, cases, statuses=(400,)):
        """One response, which says that the connection closes, then the end; nothing behind it is answered."""
        def check(sent, tls):
            received = self.server.raw(sent + SECOND, tls=tls)
            self.assertNotIn(SMUGGLED, received)
            found = responses(received)
            self.assertEqual(len(found), 1, received)
            self.assertIn(found[0].status, statuses)
            self.assertEqual(found[0]["connection"], "close")
        self.each(cases, check)

    def accepted(self, cases, status=200, body=b"content of a"):
        """Answered as asked, and so is what comes behind."""
        def check(sent, tls):
            found = responses(self.server.raw(sent + LAST, tls=tls))
            self.assertEqual([(one.status, one.body) for one in found], [(status, body), (200, b"content of a")])
        self.each(cases, check)


class Messages(Http1):
    """RFC 9112 §2.2 to §5."""

    def test_a_line_ends_with_cr_lf_and_with_nothing_else(self):  # §2.2
        self.refused([b"GET /a.txt HTTP/1.1\nHost: a\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a\n\r\n",
                      b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\n", b"GET /a.txt HTTP/1.1\rHost: a\r\r",
                      b"GET /a.txt HTTP/1.1\r\r\nHost: a\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a\r\r\n\r\n",
                      request(b"X: a\rY: b"), request(b"X: a\nY: b"), request(b"X: a\r\r\nY: b"), request(b"X: \n"), request(b"X: \r")])

    def test_before_a_request_line_there_may_be_empty_lines_but_no_others(self):  # §2.2
        self.accepted([b"\r\n" + request(), b"\r\n\r\n" + request()])
        self.refused([b"\n" + request(), b"\r" + request(), b"\n\r" + request(), b" " + request(), b"\t" + request(),
                      b"\0" + request(), b"\xef\xbb\xbf" + request(), b"x\r\n" + request()])

    def test_between_the_request_line_and_the_first_field_there_is_no_space(self):  # §2.2
        self.refused([b"GET /a.txt HTTP/1.1\r\n Host: a\r\n\r\n", b"GET /a.txt HTTP/1.1\r\n\tHost: a\r\n\r\n",
                      b"GET /a.txt HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", b"GET /a.txt HTTP/1.1\r\n \r\nHost: a\r\n\r\n"])

    def test_a_request_line_is_three_words_with_one_space_between(self):  # §3
        for separator in (b"  ", b"\t", b"\x0b", b"\x0c", b"\r", b"\0", b"\xa0", b""):
            self.refused([request(line=b"GET" + separator + b"/a.txt HTTP/1.1"), request(line=b"GET /a.txt" + separator + b"HTTP/1.1")])
        self.refused([request(line=b" GET /a.txt HTTP/1.1"), request(line=b"GET /a.txt HTTP/1.1 "),
                      request(line=b"GET /a.txt HTTP/1.1 x"), request(line=b"GET /a.txt"), request(line=b"GET"), request(line=b"")])

    def test_a_method_is_case_sensitive_and_an_unknown_one_is_501(self):  # §3.1
        self.refused([request(line=b"G\x00T /a.txt HTTP/1.1"), request(line=b"GET, /a.txt HTTP/1.1"),
                      request(line=b"(GET) /a.txt HTTP/1.1"), request(line=b"\x80 /a.txt HTTP/1.1")])
        self.refused([request(line=b"get /a.txt HTTP/1.1"), request(line=b"Get /a.txt HTTP/1.1"),
                      request(line=b"BREW /a.txt HTTP/1.1"), request(line=b"A" * 400 + b" /a.txt HTTP/1.1")], (501, 405))

    def test_a_version_is_http_one_dot_something(self):  # §2.3
        self.accepted([request(line=b"GET /a.txt HTTP/1.2"), request(line=b"GET /a.txt HTTP/1.9")])
        self.refused([request(line=b"GET /a.txt " + version) for version in (
            b"http/1.1", b"HTTP/1.10", b"HTTP/11", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/1,1", b"HTTP/ 1.1", b"HTTP/-1.1",
            b"HTTP/1.1\x00", b"HTTPS/1.1", b"ICY/1.1", b"HTTP/\xb2.1")])
        self.refused([request(line=b"GET /a.txt " + version) for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/2.1", b"HTTP/9.9")], (505,))

    def test_origin_form(self):  # §3.2.1
        self.accepted([request(line=b"GET " + target + b" HTTP/1.1") for target in (
            b"/a.txt", b"/a.txt?", b"/a.txt?x=/../?&", b"/./a.txt", b"/x/../a.txt", b"/%61.txt")])
        self.refused([request(line=b"GET " + target + b" HTTP/1.1") for target in (b"a.txt", b"?x", b"\\a.txt", b"%2Fa.txt", b"#", b":80/")])

    def test_absolute_form_counts_and_not_the_host_field(self):  # §3.2.2
        self.accepted([request(line=b"GET " + target + b" HTTP/1.1") for target in (
            b"http://example.org/a.txt", b"HTTP://EXAMPLE.org:80/a.txt", b"http://[::1]/a.txt", b"http://127.0.0.1:8080/a.txt?x")])
        self.refused([request(line=b"GET " + target + b" HTTP/1.1") for target in (
            b"http:///a.txt", b"http://", b"http:/a.txt", b"http:a.txt", b"ftp://example.org/a.txt",
            b"http://user@example.org/a.txt",
            b"http://user:pass@example.org/a.txt", b"http://exa mple.org/a.txt", b"http://example.org\\a.txt", b"://example.org/a.txt")],
            (400, 404))
        self.refused([b"GET http://example.org/a.txt HTTP/1.1\r\n\r\n",
                      b"GET http://example.org/a.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                      b"GET http://example.org/a.txt HTTP/1.1\r\nHost: a/b\r\n\r\n"])

    def test_authority_form_is_for_connect_alone_which_nobody_has(self):  # §3.2.3
        self.refused([request(line=b"GET example.org:443 HTTP/1.1"), request(line=b"CONNECT /a.txt HTTP/1.1"),
                      request(line=b"CONNECT http://example.org/ HTTP/1.1"), request(line=b"CONNECT user@example.org:443 HTTP/1.1")])
        self.refused([request(line=b"CONNECT example.org:443 HTTP/1.1")], (405, 501, 400))  # and what is behind is no tunnel's

    def test_asterisk_form_is_for_options_alone(self):  # §3.2.4
        self.refused([request(line=method + b" * HTTP/1.1") for method in (b"GET", b"HEAD", b"POST", b"DELETE")])
        self.refused([request(line=b"OPTIONS ** HTTP/1.1"), request(line=b"OPTIONS *x HTTP/1.1")])

    def test_host_is_asked_for_also_where_it_does_not_count(self):  # §3.2
        self.refused([b"GET /a.txt HTTP/1.1\r\nHost: a b\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a,b\r\nHost: c\r\n\r\n",
                      b"GET /a.txt HTTP/1.1\r\nHost: http://a/\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a?b\r\n\r\n",
                      b"GET /a.txt HTTP/1.1\r\nHost: a#b\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: a\\b\r\n\r\n",
                      b"GET /a.txt HTTP/1.1\r\nHost : a\r\n\r\n", b"GET /a.txt HTTP/1.1\r\nHost: \x80\r\n\r\n",
                      b"OPTIONS * HTTP/1.1\r\n\r\n", b"HEAD /a.txt HTTP/1.1\r\n\r\n"])

    def test_a_field_is_a_name_a_colon_and_a_value_without_the_space_around(self):  # §5.1
        self.accepted([request(field) for field in (b"X:", b"X: ", b"X:a", b"X:\t a \t", b"X: a:b", b"X: a\tb", b"X: \x80\xff",
                                                    b"!#$%&'*+-.^_`|~09: a")])
        self.refused([request(field) for field in (
            b"X : a", b"X\t: a", b"X\x0b: a", b"X\x00: a", b": a", b" : a", b"X", b"X a", b"X\xa0: a", b"\xe4: a", b"X,Y: a", b"X/Y: a",
            b"X[: a", b"X@: a", b'"X": a', b"X=: a", b"{X}: a", b"X;: a", b"GET /smuggled.txt HTTP/1.1")])

    def test_values_have_no_control_bytes(self):  # RFC 9110 §5.5
        self.refused([request(b"X: a" + bytes([byte]) + b"b") for byte in (0, 10, 13)])
        self.refused([request(b"X: a" + bytes([byte])) for byte in (0, 10, 13)])

    def test_obsolete_folding_is_refused(self):  # §5.2
        self.refused([request(field) for field in (b"X: a\r\n b", b"X: a\r\n\tb", b"X: a\r\n \r\nY: b", b"X:\r\n b", b"X: a\r\n ",
                                                   b"Content-Length:\r\n 5", b"Transfer-Encoding:\r\n chunked",
                                                   b"X: a\r\n Content-Length: 40", b"Content-Length: 0\r\n 40")])


class Content(Http1):
    """RFC 9112 §6 to §8, §9.3 and §11.2: no resource takes content, so what has some ends the connection."""

    def test_transfer_encoding_and_content_length_together_are_refused(self):  # §6.1, §6.3
        for length in (b"0", b"5", b"40"):
            for coding in (b"chunked", b"identity", b"gzip", b"Chunked", b" chunked", b"x"):
                self.refused([request(b"Content-Length: " + length, b"Transfer-Encoding: " + coding) + b"0\r\n\r\n",
                              request(b"Transfer-Encoding: " + coding, b"Content-Length: " + length) + b"0\r\n\r\n"], (400, 501))

    def test_several_or_strange_content_lengths_are_refused(self):  # §6.2, §6.3
        self.refused([request(b"Content-Length: " + value) for value in (
            b"", b" ", b"+1", b"-1", b"-0", b"0x1", b"1e1", b"1.0", b"1 1", b"1\t1", b"0 ,0", b"0, 1", b"1,1", b",1", b"1,", b"one", b"0_1",
            b"1;", b'"1"', b"\x0b1", b"18446744073709551616", b"9" * 100, b"\xb2")])
        self.refused([request(b"Content-Length: 0", b"Content-Length: 1"), request(b"Content-Length: 1", b"Content-Length: 0"),
                      request(b"Content-Length: 0", b"X: 1", b"content-length: 40")])
        self.accepted([request(b"Content-Length: 0"), request(b"content-LENGTH:0"), request(b"Content-Length: 00")])

    def test_a_transfer_coding_that_is_unknown_or_not_last_is_refused(self):  # §6.1, §6.3
        self.refused([request(b"Transfer-Encoding: " + value) + b"0\r\n\r\n" for value in (
            b"", b"identity", b"gzip", b"xchunked", b"chunkedx", b"chunked, gzip", b"chunked, identity", b"chunked;x", b'"chunked"',
            b"\x0bchunked", b"chun\x00ked", b"chunked\x0c", b"chu nked", b"chunked, chunked", b"gzip, chunked, chunked",
            b"identity, chunked", b"x, chunked")], (400, 501))
        self.refused([request(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + b"0\r\n\r\n",
                      request(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
                      request(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
                      request(b"Transfer_Encoding: chunked", b"Transfer-Encoding: x") + b"0\r\n\r\n"], (400, 501))

    def test_http_1_0_has_no_transfer_codings(self):  # §6.1; a downgrade that smuggles
        for more in ((), (b"Connection: keep-alive",), (b"Content-Length: 5",), (b"Connection: keep-alive", b"Content-Length: 0")):
            self.refused([request(b"Transfer-Encoding: chunked", *more, line=b"GET /a.txt HTTP/1.0") + b"0\r\n\r\n",
                          request(b"Transfer-Encoding: chunked", *more, line=b"POST /a.txt HTTP/1.0") + b"5\r\nhello\r\n0\r\n\r\n"])

    def test_the_bytes_behind_a_request_with_content_are_nobodys_request(self):  # §6.3, §7.1, §9.3
        chunks = (b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\nX: a\r\n\r\n", b"05\r\nhello\r\n0\r\n\r\n",
                  b"5 \r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"-1\r\n\r\n", b"\r\n", b"g\r\n",
                  b"5;\nx\r\n",
                  b"100000000000000000\r\n", b"fffffffffffffffff\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n0\r\n\r\n")
        for method, statuses in ((b"GET", (200, 400)), (b"POST", (405, 400)), (b"PUT", (405, 400)), (b"DELETE", (405, 400)),
                                 (b"OPTIONS", (204, 400))):
            line = method + b" /a.txt HTTP/1.1"
            self.refused([request(b"Transfer-Encoding: chunked", line=line) + chunk for chunk in chunks], statuses)
            self.refused([request(b"Content-Length: %d" % length, line=line) for length in (1, len(SECOND), 100_000)], statuses)

    def test_content_that_the_server_does_not_want_does_not_cost_the_client_its_answer(self):  # §9.6: lingering close
        for tls in (False, True):
            with self.server.connect(tls, ["http/1.1"], timeout=10) as connection:
                connection.sendall(request(b"Content-Length: 1048576", line=b"POST /a.txt HTTP/1.1"))
                try:
                    for _ in range(64):
                        connection.sendall(bytes(16384))
                except OSError:  # enough: but what it said first is there
                    pass
                [answer] = responses(read_all(connection))
                self.assertEqual((answer.status, answer["connection"]), (405, "close"), tls)

    def test_a_request_that_breaks_off_is_not_answered_as_if_it_were_whole(self):  # §8
        whole = request()
        for cut in (1, 5, 20, len(whole) - 4, len(whole) - 2, len(whole) - 1):
            with self.server.connect(timeout=10) as connection:
                connection.sendall(whole[:cut])
                connection.shutdown(socket.SHUT_WR)
                received = read_all(connection)
                self.assertTrue(received == b"" or received.startswith(b"HTTP/1.1 400"), (cut, received))

    def test_an_answer_is_as_long_as_it_says(self):  # §6.3, §8: a client can tell a whole answer from one cut off
        for sent in (request(), request(line=b"GET /nowhere HTTP/1.1"), request(line=b"GET /docs HTTP/1.1"),
                     request(b"Range: bytes=0-1"), request(b"Range: bytes=99-"), request(line=b"POST /a.txt HTTP/1.1"),
                     request(line=b"OPTIONS /a.txt HTTP/1.1"), request(line=b"OPTIONS * HTTP/1.1")):
            head, _, rest = self.server.raw(sent + LAST).partition(b"\r\n\r\n")
            status, fields = parse_head(head)
            lengths = [value for name, value in fields if name == "content-length"]
            self.assertEqual(len(lengths), 0 if status == 204 else 1, head)
            self.assertTrue(rest[int((lengths or ["0"])[0]):].startswith(b"HTTP/1.1 200"), (sent, rest))
            self.assertNotIn("transfer-encoding", dict(fields))


class Connections(Http1):
    """RFC 9112 §9."""

    def test_a_connection_stays_unless_somebody_says_close(self):  # §9.3
        self.accepted([request(field) for field in (b"X: close", b"Connection: keep-alive", b"Connection: x, y", b"Connection:",
                                                    b"Connection: closed", b"Connection: upgrade", b"Keep-Alive: timeout=1")])
        self.accepted([request(b"Connection: keep-alive", line=b"GET /a.txt HTTP/1.0"),
                       request(b"Connection: x, Keep-Alive", line=b"GET /a.txt HTTP/1.0")])
        for field in (b"close", b"Close", b"CLOSE", b"keep-alive, close", b"close, keep-alive", b"x,close", b"\tclose ", b",,close"):
            self.refused([request(b"Connection: " + field), request(b"Connection: " + field, line=b"GET /a.txt HTTP/1.0")], (200,))
        self.refused([request(b"Connection: keep-alive", b"Connection: close"), request(line=b"GET /a.txt HTTP/1.0")], (200,))

    def test_an_offer_of_another_protocol_is_declined(self):  # RFC 9110 §7.8: no 101; RFC 9113 §3.1: no h2c upgrade
        self.accepted([request(b"Connection: Upgrade", b"Upgrade: websocket"),
                       request(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")])

    def test_pipelined_requests_are_answered_in_order_up_to_the_one_that_closes(self):  # §9.3.2
        for tls in (False, True):
            received = self.server.raw(request(line=b"HEAD /b.txt HTTP/1.1") + request(line=b"GET /b.txt HTTP/1.1") +
                                       request(b"If-None-Match: *") + LAST + SECOND, tls=tls)
            self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", received), [b"200", b"200", b"304", b"200"])
            self.assertTrue(received.endswith(b"\r\n\r\ncontent of a"), received)
            self.assertNotIn(SMUGGLED, received)

    def test_after_an_error_nothing_more_is_answered(self):  # §9.6
        for tls in (False, True):
            found = responses(self.server.raw(request() + request(b"X : a") + SECOND + LAST, tls=tls))
            self.assertEqual([one.status for one in found], [200, 400])


class Splitting(Http1):
    """RFC 9112 §11.1: what a client sends never becomes a line of a response's head."""

    def test_an_escaped_line_end_in_a_target_stays_escaped_or_is_refused(self):
        injected = b"x-injected"
        for target in (b"/docs%0d%0aX-Injected:%20a", b"/docs?%0d%0aX-Injected:%20a", b"/docs%0aX-Injected:a", b"/docs?a=%0D%0A%0D%0A<p>",
                       b"/docs%E5%98%8D%E5%98%8AX-Injected:a", b"/docs?%E5%98%8A%E5%98%8DX-Injected:a", b"/docs%00", b"//docs?\x80"):
            for tls in (False, True):
                received = self.server.raw(request(b"Connection: close", line=b"GET " + target + b" HTTP/1.1"), tls=tls)
                head = received.partition(b"\r\n\r\n")[0]
                self.assertRegex(head, rb"\AHTTP/1\.1 (301|400|404) ")
                self.assertFalse([line for line in head.lower().split(b"\r\n") if line.startswith(injected)], received)
                self.assertNotRegex(head.replace(b"\r\n", b""), rb"[\r\n\0]")

    def test_values_that_come_back_are_clean(self):
        for field in (b"Origin: http://a\x80", b"Origin: a b", b"Access-Control-Request-Headers: x\x80", b"Host: a", b"Range: bytes=0-1\x80",
                      b"If-None-Match: \"\x80\"", b"Accept-Encoding: \x80", b"Referer: \x80", b"User-Agent: \x80\x81"):
            for method in (b"GET", b"OPTIONS"):
                fields = [field, b"Connection: close"] if not field.startswith(b"Host") else [b"Connection: close"]
                head = body_of(self.server.raw(request(*fields, line=method + b" /a.txt HTTP/1.1")))[0]
                self.assertTrue(all(0x20 <= byte < 0x7f for byte in head.replace(b"\r\n", b"")), head)


if __name__ == "__main__":
    unittest.main()
