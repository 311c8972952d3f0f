#!/usr/bin/python3
"""What the client has already, and the parts that it asks for: RFC 9110 §13 and §14."""
import email
import unittest
from email.utils import formatdate

from server_case import ServerCase

PAGE = b"<!doctype html><title>home</title>" + b"<p>hello</p>" * 40
DIGITS = bytes(i % 251 for i in range(5000))
OVER_TLS_AND_PLAIN = ("h2", "https/1.1", "http/1.1", "h2c")


class Conditions(ServerCase):
    files = {"index.html": PAGE, "digits.bin": DIGITS, "empty.txt": b"", "big.js": b"function name() { return 'text'; }\n" * 3000}

    def test_what_the_client_has_is_not_sent_again(self):  # RFC 9110 §13.1, §15.4.5
        for protocol in OVER_TLS_AND_PLAIN:
            first = self.server.get("/", protocol)
            self.assertRegex(first["etag"], r'^"[A-Za-z0-9_-]{16}"$')
            opaque = first["etag"].strip('"')
            tags = [first["etag"], "W/" + first["etag"], "*", f'"x", {first["etag"]}', f'"{opaque}-br"', f'"{opaque}-zstd"',
                    f'"{opaque}-gz"']
            for tag in tags:  # any coding of the same content will do
                again = self.server.get("/", protocol, fields={"If-None-Match": tag})
                self.assertEqual((again.status, again.body), (304, b""), (protocol, tag))
                for kept in ("etag", "cache-control", "vary", "date"):
                    self.assertIn(kept, again)
                self.assertNotIn("content-type", again)
            self.assertEqual(self.server.get("/", protocol, fields={"If-None-Match": '"other"'}).status, 200)
            since = {"If-Modified-Since": first["last-modified"]}
            self.assertEqual(self.server.get("/", protocol, fields=since).status, 304)
            # If-None-Match is the exact answer: with it the date does not count.
            self.assertEqual(self.server.get("/", protocol, fields={**since, "If-None-Match": '"other"'}).status, 200)
        self.assertEqual(self.server.get("/", fields={"If-Modified-Since": formatdate(0, usegmt=True)}).status, 200)
        self.assertEqual(self.server.get("/", fields={"If-Modified-Since": "yesterday"}).status, 200)

    def test_a_tag_handed_out_with_a_fast_coding_is_known_again(self):
        for coding in ("zstd", "br", "gzip"):
            first = self.server.get("/big.js", fields={"Accept-Encoding": coding})
            self.assertEqual(first["content-encoding"], coding)
            again = self.server.get("/big.js", fields={"Accept-Encoding": coding, "If-None-Match": first["etag"]})
            self.assertEqual((again.status, again.body), (304, b""), (coding, first["etag"]))

    def test_a_condition_that_fails_is_412(self):  # RFC 9110 §13.1.1, §13.1.4
        tag = self.server.get("/")["etag"]
        for fields, status in (({"If-Match": '"other"'}, 412), ({"If-Match": tag}, 200), ({"If-Match": "*"}, 200),
                               ({"If-Match": "W/" + tag}, 412),
                               ({"If-Unmodified-Since": formatdate(0, usegmt=True)}, 412),
                               ({"If-Match": tag, "If-None-Match": tag}, 304)):
            self.assertEqual(self.server.get("/", fields=fields).status, status, fields)

    def test_one_range_is_that_part(self):  # RFC 9110 §14
        for protocol in OVER_TLS_AND_PLAIN:
            for asked, (first, last) in {"0-9": (0, 9), "4990-": (4990, 4999), "-10": (4990, 4999), "4000-999999": (4000, 4999),
                                         "7-7": (7, 7)}.items():
                part = self.server.get("/digits.bin", protocol, fields={"Range": "bytes=" + asked})
                self.assertEqual((part.status, part["content-range"]), (206, f"bytes {first}-{last}/5000"), asked)
                self.assertEqual(part.body, DIGITS[first:last + 1])
                self.assertEqual(part["content-length"], str(last + 1 - first))
        self.assertEqual(self.server.get("/digits.bin")["accept-ranges"], "bytes")

    def test_several_ranges_are_parts_of_a_multipart_body(self):
        response = self.server.get("/digits.bin", fields={"Range": "bytes=0-9,1000-1009,-5"})
        self.assertEqual(response.status, 206)
        message = email.message_from_bytes(b"Content-Type: " + response["content-type"].encode() + b"\r\n\r\n" + response.body)
        parts = [(part["content-range"], part.get_payload(decode=True)) for part in message.get_payload()]
        self.assertEqual(parts, [("bytes 0-9/5000", DIGITS[:10]), ("bytes 1000-1009/5000", DIGITS[1000:1010]),
                                 ("bytes 4995-4999/5000", DIGITS[4995:])])
        self.assertEqual(response["content-length"], str(len(response.body)))
        near = self.server.get("/digits.bin", fields={"Range": "bytes=0-9,20-29"})  # a gap of less than 128 bytes is filled
        self.assertEqual(near["content-range"], "bytes 0-29/5000")

    def test_a_range_that_cannot_be_served_is_416_and_one_that_should_not_is_ignored(self):
        beyond = self.server.get("/digits.bin", fields={"Range": "bytes=5000-"})
        self.assertEqual((beyond.status, beyond["content-range"]), (416, "bytes */5000"))
        overlapping = ",".join(f"{i}-" for i in range(20))
        scattered = ",".join(f"{i * 200}-{i * 200}" for i in range(20))
        for value in ("bytes=5-2", "lines=1-2", "bytes=", "bytes=" + overlapping, "bytes=" + scattered):
            response = self.server.get("/digits.bin", fields={"Range": value})
            self.assertEqual((response.status, response.body), (200, DIGITS), value)
        self.assertEqual(self.server.get("/digits.bin", method="HEAD", fields={"Range": "bytes=0-9"}).status, 200)
        self.assertEqual(self.server.get("/empty.txt", fields={"Range": "bytes=0-9"}).status, 416)

    def test_if_range_asks_for_the_part_only_of_what_it_names(self):  # RFC 9110 §13.1.5
        tag = self.server.get("/digits.bin")["etag"]
        for condition, status in {tag: 206, '"other"': 200, "W/" + tag: 200, formatdate(0, usegmt=True): 200}.items():
            response = self.server.get("/digits.bin", fields={"Range": "bytes=0-9", "If-Range": condition})
            self.assertEqual(response.status, status, condition)


if __name__ == "__main__":
    unittest.main()
