#!/usr/bin/python3
"""What requests and responses mean, asked in raw bytes over HTTP/1.1 and HTTP/2, with TLS and without: the sections of RFC 9110 that
conditions_test.py, codings_test.py and serving_test.py do not prove yet (conformance/README.md)."""
import os
import time
import unittest
from email.utils import formatdate, parsedate_to_datetime

from coded import best
from conformance.ask import WAYS, ask
from selvage import Server
from server_case import ServerCase

SCRIPT = b"function name() { return 'text'; }\n" * 300
DIGITS = bytes(i % 251 for i in range(5000))
WRITTEN = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 GMT
BEFORE, AT, AFTER = (formatdate(WRITTEN + seconds, usegmt=True) for seconds in (-60, 0, 60))
VALIDATORS = ("cache-control", "content-location", "date", "etag", "expires", "vary")  # RFC 9110 §15.4.5, §15.3.7


class Semantics(ServerCase):
    files = {"digits.bin": DIGITS, "app.js": SCRIPT, "docs/index.html": b"<p>docs</p>", "future.txt": b"not yet", "empty.txt": b"",
             "font.woff2": b"wOF2" + bytes(400)}

    @classmethod
    def prepare(cls):
        for name in ("digits.bin", "app.js"):
            os.utime(cls.root / name, (WRITTEN, WRITTEN))
        os.utime(cls.root / "future.txt", (time.time() + 86400,) * 2)

    def expect(self, table, target="/digits.bin", method="GET"):
        """{fields: status} over all ways; fields as "Name: value" lines."""
        for lines, status in table.items():
            fields = [tuple(line.split(": ", 1)) for line in lines.split("\n") if line]
            for way in WAYS:
                with self.subTest(way=way, method=method, target=target, fields=fields):
                    self.assertEqual(ask(self.server, way, method, target, fields).status, status)

    def same_over_all(self, method, target, *fields):
        """The response, which is the same over all ways; but for its Date, and whether it had been made before."""
        answers = [ask(self.server, way, method, target, fields) for way in WAYS]
        for way, answer in zip(WAYS, answers):
            with self.subTest(way=way, method=method, target=target, fields=fields):
                self.assertEqual(self.lasting(answer), self.lasting(answers[0]))
        return answers[0]

    @staticmethod
    def lasting(answer):
        return answer.status, sorted(field for field in answer.fields if field[0] not in ("date", "cache-status")), answer.body


class Fields(Semantics):
    def test_values_may_have_tabs_and_bytes_above_ascii(self):  # §5.5
        self.expect({"X-Test: a\tb": 200, "X-Test: \xe4\xff": 200, "X-Test: ": 200, "User-Agent: \x80": 200})

    def test_cr_lf_and_nul_are_refused_in_every_field(self):  # §5.5
        for name in ("X-Test", "User-Agent", "If-None-Match", "Range", "Accept-Encoding", "Cookie", "Priority"):
            self.expect({f"{name}: a\0b": 400, f"{name}: a\rb": 400, f"{name}: \0": 400})

    def test_a_field_in_several_lines_is_one_list(self):  # §5.3
        tag = self.same_over_all("GET", "/digits.bin")["etag"]
        self.expect({f'If-None-Match: "x"\nIf-None-Match: {tag}': 304, f'If-Match: "x"\nIf-Match: {tag}': 200,
                     'If-Match: "x"\nIf-Match: "y"': 412, "Range: bytes=0-1\nRange: bytes=5-6": 200,
                     "Accept-Encoding: identity;q=0\nAccept-Encoding: x": 406})

    def test_connection_says_what_is_for_one_hop_and_no_response_in_http_2_has_it(self):  # §7.6.1
        for target in ("/digits.bin", "/nowhere", "/docs"):
            answer = self.same_over_all("GET", target)
            for name in ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer"):
                self.assertNotIn(name, answer)

    def test_a_message_that_is_to_be_sent_on_no_further_is_answered_all_the_same(self):  # §7.6.2
        self.expect({"Max-Forwards: 0": 200, "Via: 1.1 a, 1.1 b": 200})
        self.expect({"Max-Forwards: 0": 204}, method="OPTIONS")

    def test_last_modified_is_never_later_than_the_date(self):  # §8.8.2.1
        answer = self.same_over_all("GET", "/future.txt")
        if "last-modified" in answer:
            self.assertLessEqual(parsedate_to_datetime(answer["last-modified"]), parsedate_to_datetime(answer["date"]))

    def test_validators_are_strong_and_the_same_for_the_same_content(self):  # §8.8.1, §8.8.3
        first = self.same_over_all("GET", "/digits.bin")
        self.assertRegex(first["etag"], r'\A"[!#-~]+"\Z')
        self.assertEqual(first["last-modified"], AT)
        self.assertEqual(self.same_over_all("GET", "/digits.bin?other")["etag"], first["etag"])


class Methods(Semantics):
    def test_head_is_get_without_content_whatever_the_answer(self):  # §9.3.2
        tag = self.same_over_all("GET", "/digits.bin")["etag"]
        for target, fields in (("/digits.bin", ()), ("/app.js", (("Accept-Encoding", "identity"),)), ("/empty.txt", ()), ("/nowhere", ()),
                               ("/docs", ()), ("/docs/", ()), ("/digits.bin", (("If-None-Match", tag),)), ("/%", ()),
                               ("/digits.bin", (("If-Match", '"x"'),)), ("/app.js", (("Accept-Encoding", "identity;q=0, x"),))):
            whole, head = self.same_over_all("GET", target, *fields), self.same_over_all("HEAD", target, *fields)
            self.assertEqual((head.status, head.body), (whole.status, b""), target)
            self.assertEqual(self.lasting(head)[1], self.lasting(whole)[1], target)

    def test_an_expectation_of_continue_is_met_or_needless(self):  # §10.1.1
        self.expect({"Expect: 100-continue": 200, "Expect: 100-Continue": 200})
        for way in WAYS:  # the final answer alone: the content is not wanted
            answer = ask(self.server, way, "POST", "/digits.bin", [("Expect", "100-continue")], content=b"hello")
            self.assertEqual(answer.status, 405, way)

    def test_an_expectation_that_nobody_knows_is_417_or_nothing(self):  # §10.1.1: a MAY
        for way in WAYS:
            self.assertIn(ask(self.server, way, fields=[("Expect", "the-unexpected")], target="/digits.bin").status, (200, 417))

    def test_405_names_what_is_allowed_on_every_resource(self):  # §10.2.1, §15.5.6
        for target in ("/digits.bin", "/docs/", "/nowhere", "/docs"):
            for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
                answer = self.same_over_all(method, target)
                self.assertEqual((answer.status, set(answer["allow"].replace(" ", "").split(","))), (405, {"GET", "HEAD", "OPTIONS"}))

    def test_trace_sends_nothing_back(self):  # §9.3.8
        for way in WAYS:
            answer = ask(self.server, way, "TRACE", "/digits.bin", [("Cookie", "secret=1")])
            self.assertNotIn(b"secret", answer.body)


class Negotiation(Semantics):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        best(cls.server, "/app.js", "gzip")  # not the interim one, which is replaced some time

    def test_weights_are_read_as_they_are_written_and_what_is_malformed_harms_nobody(self):  # §12.4.2, §12.5.3
        for accepted, coding in {"gzip;q=1.000": "gzip", "gzip ; q=0.5": "gzip", "gzip;Q=1": "gzip", ",,gzip,,": "gzip",
                                 "gzip;q=0.000": None, "x, gzip;q=0.001": "gzip", "gzip;q=0, *;q=0, identity": None, "": None,
                                 "identity;q=0.5, gzip;q=0.1": None}.items():
            answer = self.same_over_all("GET", "/app.js", ("Accept-Encoding", accepted))
            self.assertEqual((answer.status, answer["content-encoding"], answer.content), (200, coding, SCRIPT), accepted)
        for malformed in ("gzip;q=2", "gzip;q=-1", "gzip;q=x", "gzip;q", ";q=1", "gzip;q=1;q=0", "gzip q=1", '"gzip"', "*;q=",
                          "=", "q=0"):
            answer = self.same_over_all("GET", "/app.js", ("Accept-Encoding", malformed))
            self.assertIn(answer.status, (200, 406), malformed)  # a malformed weight counts as 0
            self.assertIn(answer.content if answer.status == 200 else SCRIPT, (SCRIPT,), malformed)

    def test_what_was_negotiated_says_so_whatever_became_of_it(self):  # §12.5.5, §15.4.5
        coded = self.same_over_all("GET", "/app.js", ("Accept-Encoding", "gzip"))
        for fields in ((), (("Accept-Encoding", "gzip"),), (("Range", "bytes=0-9"),),
                       (("Accept-Encoding", "gzip"), ("If-None-Match", coded["etag"])), (("If-None-Match", "*"),)):
            self.assertEqual(self.same_over_all("GET", "/app.js", *fields)["vary"], "Accept-Encoding", fields)
        self.assertNotIn("vary", self.same_over_all("GET", "/font.woff2", ("Accept-Encoding", "gzip")))
        none = self.same_over_all("GET", "/app.js", ("Accept-Encoding", "identity;q=0, x"))
        self.assertEqual((none.status, none["cache-control"]), (406, "no-store"))


class Preconditions(Semantics):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        best(cls.server, "/app.js", "gzip")

    def setUp(self):
        self.tag = ask(self.server, "h2", target="/digits.bin")["etag"]

    def test_the_six_steps_in_their_order(self):  # §13.2.2
        tag, other, part = self.tag, '"other"', "Range: bytes=0-9\n"
        self.expect({
            # 1: If-Match, when it is there, decides; If-Unmodified-Since then does not count
            f"If-Match: {tag}\nIf-Unmodified-Since: {BEFORE}": 200, f"If-Match: {other}\nIf-Unmodified-Since: {AFTER}": 412,
            f"If-Match: {other}\nIf-None-Match: {tag}": 412, f"If-Match: {other}\n{part}": 412,
            # 2: without it If-Unmodified-Since does
            f"If-Unmodified-Since: {BEFORE}": 412, f"If-Unmodified-Since: {AT}": 200, f"If-Unmodified-Since: {AFTER}": 200,
            f"If-Unmodified-Since: {BEFORE}\nIf-None-Match: {tag}": 412, f"If-Unmodified-Since: {BEFORE}\n{part}": 412,
            f"If-Unmodified-Since: {AFTER}\nIf-None-Match: {tag}": 304,
            # 3: If-None-Match, when it is there, decides; If-Modified-Since then does not count
            f"If-None-Match: {tag}\nIf-Modified-Since: {BEFORE}": 304, f"If-None-Match: {other}\nIf-Modified-Since: {AFTER}": 200,
            f"If-None-Match: {tag}\n{part}": 304, f"If-None-Match: {other}\n{part}": 206, f"If-None-Match: *\n{part}": 304,
            f"If-Match: {tag}\nIf-None-Match: {tag}": 304,
            # 4: without it If-Modified-Since does
            f"If-Modified-Since: {BEFORE}": 200, f"If-Modified-Since: {AT}": 304, f"If-Modified-Since: {AFTER}": 304,
            f"If-Modified-Since: {AT}\n{part}": 304, f"If-Modified-Since: {BEFORE}\n{part}": 206,
            f"If-Match: {tag}\nIf-Modified-Since: {AT}": 304,
            # 5: If-Range decides whether Range counts, and nothing without it
            f"{part}If-Range: {tag}": 206, f"{part}If-Range: {other}": 200, f"{part}If-Range: {AT}": 206,
            f"{part}If-Range: {AFTER}": 200,
            f"{part}If-Range: {BEFORE}": 200, f"If-Range: {tag}": 200, f"If-Range: {other}": 200,
            f"{part}If-Range: {other}\nIf-None-Match: {tag}": 304, f"{part}If-Range: {tag}\nIf-Match: {other}": 412,
            f"{part}If-Match: {tag}\nIf-Unmodified-Since: {BEFORE}\nIf-None-Match: {other}\nIf-Modified-Since: {AFTER}\n"
            f"If-Range: {tag}": 206,
            # 6: otherwise the method
            f"{part}": 206, "": 200})

    def test_head_is_judged_like_get_and_ignores_ranges(self):  # §13.2.1, §14.2
        self.expect({f"If-None-Match: {self.tag}": 304, 'If-Match: "other"': 412, f"If-Modified-Since: {AT}": 304,
                     f"If-Unmodified-Since: {BEFORE}": 412, "Range: bytes=0-9": 200, "Range: bytes=9999-": 200}, method="HEAD")

    def test_conditions_do_not_count_where_the_answer_is_no_success(self):  # §13.2.1
        for fields in ('If-Match: "x"', "If-None-Match: *", f"If-Unmodified-Since: {BEFORE}", f"If-Modified-Since: {AFTER}"):
            self.expect({fields: 404}, "/nowhere")
            self.expect({fields: 301}, "/docs")
            self.expect({fields: 405}, method="POST")
            self.expect({fields: 204}, method="OPTIONS")
            self.expect({fields: 400}, "/%")

    def test_dates_come_in_three_forms_and_others_do_not_count(self):  # §13.1.3, §13.1.4, §5.6.7
        self.expect({"If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT": 304, "If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT": 304,
                     "If-Modified-Since: Tue Nov 14 22:13:20 2023": 304})
        for value in ("1700000000", "2023-11-14T22:13:20Z", "14 Nov 2023", f"{AT}, {AT}", "", "0", "Tue, 99 Nov 2023 22:13:20 GMT",
                      "Tue, 14 Nov 2023 25:13:20 GMT"):
            self.expect({f"If-Modified-Since: {value}": 200, f"If-Unmodified-Since: {value}": 200})

    def test_tags_are_compared_strongly_by_if_match_and_weakly_by_if_none_match(self):  # §8.8.3.2, §13.1.1, §13.1.2
        tag = self.tag
        self.expect({f"If-Match: W/{tag}": 412, f"If-None-Match: W/{tag}": 304, f"If-Match: {tag.strip(chr(34))}": 412,
                     f"If-None-Match: {tag.strip(chr(34))}": 200, f"If-None-Match: w/{tag}": 200, f'If-None-Match: "a,b", {tag}': 304,
                     f"If-None-Match: ,,{tag},": 304, "If-Match: *": 200, "If-None-Match: *": 304, 'If-Match: ""': 412,
                     'If-None-Match: "': 200, f"If-None-Match: {tag.upper()}" if tag != tag.upper() else 'If-None-Match: "X"': 200})

    def test_304_has_what_200_would_have_of_what_a_cache_updates(self):  # §15.4.5
        for target, fields in (("/digits.bin", ()), ("/app.js", ()), ("/app.js", (("Accept-Encoding", "gzip"),)), ("/font.woff2", ())):
            whole = self.same_over_all("GET", target, *fields)
            again = self.same_over_all("GET", target, *fields, ("If-None-Match", whole["etag"]))
            self.assertEqual((again.status, again.body), (304, b""))
            for name in VALIDATORS:
                self.assertEqual(name in again, name in whole, name)
                if name != "date":
                    self.assertEqual(again[name], whole[name], name)
            for name in ("content-type", "content-encoding", "content-range", "transfer-encoding"):
                self.assertNotIn(name, again)
            self.assertIn(again["content-length"], (None, whole["content-length"]))


class Ranges(Semantics):
    def part(self, value, *more):
        return self.same_over_all("GET", "/digits.bin", ("Range", value), *more)

    def test_a_part_has_the_fields_of_the_whole(self):  # §15.3.7, §14.4
        whole = self.same_over_all("GET", "/digits.bin")
        for more in ((), (("If-Range", whole["etag"]),)):
            part = self.part("bytes=10-19", *more)
            self.assertEqual((part.status, part.body, part["content-length"], part["content-range"]),
                             (206, DIGITS[10:20], "10", "bytes 10-19/5000"))
            for name in VALIDATORS:
                self.assertEqual(name in part, name in whole, name)
                if name != "date":
                    self.assertEqual(part[name], whole[name], name)

    def test_range_units_and_positions_are_read_as_written(self):  # §14.1.1, §14.1.2
        for value, (first, last) in {"BYTES=0-0": (0, 0), "bytes=-1": (4999, 4999), "bytes=-9999": (0, 4999), "bytes=4999-": (4999, 4999),
                                     "bytes=0-18446744073709551616": (0, 4999), "bytes= 1-2": (1, 2), "bytes=,1-2,": (1, 2),
                                     "bytes=1-2,9999-": (1, 2), "bytes=007-008": (7, 8)}.items():
            part = self.part(value)
            self.assertEqual((part.status, part["content-range"]), (206, f"bytes {first}-{last}/5000"), value)
            self.assertEqual(part.body, DIGITS[first:last + 1], value)

    def test_what_is_no_range_of_bytes_is_ignored(self):  # §14.2
        for value in ("bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-2-3", "bytes=2-1", "bytes:1-2", "bytes 1-2", "=1-2",
                      "items=1-2", "bytes=1-2;", "bytes=0x1-2", "bytes=1-2,x", "bytes=--1", "bytes=+1-2", "none=0-1", "bytes=1 - 2", ""):
            answer = self.part(value)
            self.assertEqual((answer.status, answer.body, answer["content-range"]), (200, DIGITS, None), value)

    def test_a_range_counts_for_get_alone(self):  # §14.2
        for method, status in (("HEAD", 200), ("POST", 405), ("OPTIONS", 204)):
            answer = self.same_over_all(method, "/digits.bin", ("Range", "bytes=0-9"))
            self.assertEqual((answer.status, answer["content-range"]), (status, None))

    def test_what_lies_outside_is_416_with_the_size_and_is_not_kept(self):  # §15.5.17, §14.4
        for value in ("bytes=5000-", "bytes=5000-6000", "bytes=-0", "bytes=9999-,8888-", "bytes=18446744073709551616-"):
            answer = self.part(value)
            self.assertEqual((answer.status, answer["content-range"], answer["cache-control"]), (416, "bytes */5000", "no-store"), value)

    def test_accept_ranges_is_said_where_ranges_are_served(self):  # §14.3
        for method in ("GET", "HEAD"):
            self.assertEqual(self.same_over_all(method, "/digits.bin")["accept-ranges"], "bytes")

    def test_several_parts_each_say_where_they_belong(self):  # §14.6, §15.3.7.2
        answers = [ask(self.server, way, target="/digits.bin", fields=[("Range", "bytes=0-1,4000-4001")]) for way in WAYS]
        for answer in answers:
            self.assertEqual((answer.status, answer["content-range"]), (206, None))
            kind, _, boundary = answer["content-type"].partition("; boundary=")
            self.assertEqual(kind, "multipart/byteranges")
            mark = b"--" + boundary.strip('"').encode()
            self.assertEqual(answer.body.split(mark)[0], b"")
            parts = [part.strip(b"\r\n") for part in answer.body.split(mark)[1:]]
            self.assertEqual([part.partition(b"\r\n\r\n")[2] for part in parts[:2]], [DIGITS[:2], DIGITS[4000:4002]])
            for part, where in zip(parts, (b"bytes 0-1/5000", b"bytes 4000-4001/5000")):
                self.assertIn(b"content-range: " + where, part.lower())
                self.assertIn(b"content-type: application/octet-stream", part.lower())
            self.assertEqual(parts[2], b"--")
            self.assertEqual(answer["content-length"], str(len(answer.body)))
            self.assertNotIn(mark.strip(b"-"), DIGITS)


class Misdirected(ServerCase):
    """RFC 9110 §7.2, §7.4: which site is asked for is said by the request, and none is 421."""
    files = {"one/a.txt": b"of one", "two/a.txt": b"of two"}

    @classmethod
    def start(cls):
        return Server(config="".join(f'[[site]]\nhosts = ["{name}.test"]\nroot = "{cls.root}/{name}"\n' for name in ("one", "two")))

    def test_the_host_decides_in_any_case_with_any_port(self):
        for way in WAYS:
            for host, body in {"one.test": b"of one", "TWO.Test": b"of two", "one.test:8443": b"of one", "two.test.": b"of two",
                               "one.test.:80": b"of one", "one.test:": b"of one"}.items():
                answer = ask(self.server, way, target="/a.txt", host=host)
                self.assertEqual((answer.status, answer.body), (200, body), (way, host))

    def test_another_host_is_misdirected(self):
        for way in WAYS:
            for host in ("other.test", "127.0.0.1", "one.test.other.test", "xone.test", "test", "[::1]", "[::1]:443", "one.test.."):
                answer = ask(self.server, way, target="/a.txt", host=host)
                self.assertEqual((answer.status, answer["cache-control"]), (421, "no-store"), (way, host))

    def test_the_absolute_form_decides_and_not_host(self):  # RFC 9112 §3.2.2
        for way in ("http/1.1 over TLS", "http/1.1"):
            scheme = "https" if way.endswith("TLS") else "http"
            for target, host, status, body in ((f"{scheme}://one.test/a.txt", "two.test", 200, b"of one"),
                                               (f"{scheme}://two.test:80/a.txt", "other.test", 200, b"of two"),
                                               (f"{scheme}://other.test/a.txt", "one.test", 421, None)):
                answer = ask(self.server, way, target=target, host=host)
                self.assertEqual((answer.status, body or answer.body), (status, answer.body), (way, target))


if __name__ == "__main__":
    unittest.main()
