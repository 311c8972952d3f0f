#!/usr/bin/python3
"""A folder, served: protocols, methods, types, validators, ranges and what the response fields promise."""
import email
import re
import subprocess
import unittest
from email.utils import formatdate, parsedate_to_datetime

from selvage import DEADLINE, ServerCase

PAGE = b"<!doctype html><title>home</title>" + b"<p>hello</p>" * 40
DIGITS = bytes(i % 251 for i in range(5000))
OVER_TLS_AND_PLAIN = ("h2", "https/1.1", "http/1.1", "h2c")

TYPES = {
    "a.html": "text/html", "a.css": "text/css", "a.js": "text/javascript", "a.mjs": "text/javascript",
    "a.json": "application/json", "a.svg": "image/svg+xml", "a.wasm": "application/wasm", "a.woff2": "font/woff2",
    "a.ttf": "font/ttf", "a.avif": "image/avif", "a.webp": "image/webp", "a.mp4": "video/mp4", "a.mp3": "audio/mpeg",
    "a.pdf": "application/pdf", "a.xml": "application/xml", "a.txt": "text/plain", "a.webmanifest": "application/manifest+json",
    "a.m3u8": "application/vnd.apple.mpegurl", "a.vtt": "text/vtt", "A.PNG": "image/png", "noextension": "application/octet-stream",
}


class Serving(ServerCase):
    files = {
        "index.html": PAGE, "docs/index.html": b"<p>docs</p>", "empty/x.txt": b"x", "digits.bin": DIGITS, "robots.txt": b"User-agent: *\n",
        "data.json": b"{}", "deep/data.json": b"{}", "sw.js": b"1", "app.js": b"let a;", "site.css": b"a{}", "empty.txt": b"",
        "assets/app-99c948ad.js": b"let b;", "assets/index-BX7c2kLm.css": b"b{}", "fonts/a.woff2": b"wOF2" + bytes(400),
        "photo.webp": b"RIFF", "favicon.ico": b"icon", "live.m3u8": b"#EXTM3U\n",
        **{"types/" + name: b"some bytes" for name in TYPES},
    }

    def test_https_speaks_http2_and_http1_as_alpn_says_and_plain_http_speaks_both_too(self):
        for protocol, version in {"h2": "2", "https/1.1": "1.1", "http/1.1": "1.1", "http/1.0": "1.0", "h2c": "2"}.items():
            response = self.server.get("/", protocol)
            self.assertEqual((response.status, response.body), (200, PAGE), protocol)
            self.assertEqual(response.protocol, "1.1" if version == "1.0" else version, protocol)

    def test_nghttp_negotiates_h2_and_openssl_without_alpn_gets_http1(self):
        done = subprocess.run(["nghttp", "-nv", self.server.url("/")], stdout=subprocess.PIPE, timeout=DEADLINE, check=True)
        self.assertIn(b"The negotiated protocol: h2", done.stdout)
        self.assertIn(b":status: 200", done.stdout)
        plain = subprocess.run(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{self.server.ports['https']}"],
                               input=b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, timeout=DEADLINE)
        self.assertTrue(plain.stdout.startswith(b"HTTP/1.1 200 "), plain.stdout[:200])
        self.assertTrue(plain.stdout.endswith(PAGE))

    def test_head_is_get_without_the_body(self):  # RFC 9110 §9.3.2
        for protocol in OVER_TLS_AND_PLAIN:
            full, head = self.server.get("/docs/", protocol), self.server.get("/docs/", protocol, "HEAD")
            self.assertEqual(head.body, b"")
            self.assertEqual({name: value for name, value in head.fields if name != "date"},
                             {name: value for name, value in full.fields if name != "date"}, protocol)

    def test_other_methods_are_refused_with_the_list_of_those_that_work(self):  # RFC 9110 §10.2.1
        for protocol in OVER_TLS_AND_PLAIN:
            for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
                response = self.server.get("/", protocol, method)
                self.assertEqual(response.status, 405, (protocol, method))
                self.assertEqual(set(re.split(", *", response["allow"])), {"GET", "HEAD", "OPTIONS"})
                self.assertEqual(response["cache-control"], "no-store")

    def test_options_names_the_methods_and_fonts_answer_the_preflight(self):
        plain = self.server.get("/", method="OPTIONS")
        self.assertEqual((plain.status, set(plain["allow"].split(", "))), (204, {"GET", "HEAD", "OPTIONS"}))
        font = self.server.get("/fonts/a.woff2", method="OPTIONS", fields={
            "Origin": "https://example.org", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"})
        self.assertEqual((font.status, font["access-control-allow-origin"]), (204, "*"))
        self.assertIn("GET", font["access-control-allow-methods"])
        self.assertEqual(self.server.get("/nowhere.woff2", method="OPTIONS").status, 404)

    def test_fonts_are_for_every_origin(self):  # static-delivery §1
        font = self.server.get("/fonts/a.woff2", fields={"Origin": "https://example.org"})
        self.assertEqual(font["access-control-allow-origin"], "*")
        self.assertEqual(font["timing-allow-origin"], "*")
        self.assertEqual(font["cross-origin-resource-policy"], "cross-origin")
        self.assertNotIn("vary", font)
        self.assertNotIn("access-control-allow-origin", self.server.get("/"))

    def test_a_folder_is_its_index_page_and_is_written_with_a_slash(self):
        self.assertEqual(self.server.get("/docs/").body, b"<p>docs</p>")
        moved = self.server.get("/docs?a=b")
        self.assertEqual((moved.status, moved["location"]), (301, "/docs/?a=b"))
        self.assertEqual(self.server.get("/empty/").status, 404)

    def test_each_file_has_its_media_type_and_forbids_sniffing(self):
        for name, media_type in TYPES.items():
            response = self.server.get("/types/" + name, "http/1.1")
            self.assertEqual(response["content-type"].split(";")[0], media_type, name)
            self.assertEqual(response["x-content-type-options"], "nosniff")
        self.assertEqual(self.server.get("/").fields.count(("content-type", "text/html; charset=utf-8")), 1)

    def test_the_default_cache_policy(self):  # static-delivery §1, row by row
        for path, expected in {
                "/assets/app-99c948ad.js": "public, max-age=31536000, immutable",
                "/assets/index-BX7c2kLm.css": "public, max-age=31536000, immutable",
                "/": "public, max-age=0, must-revalidate", "/sw.js": "public, max-age=0, must-revalidate",
                "/robots.txt": "public, max-age=0, must-revalidate", "/data.json": "public, max-age=0, must-revalidate",
                "/app.js": "public, max-age=0, must-revalidate", "/site.css": "public, max-age=0, must-revalidate",
                "/fonts/a.woff2": "public, max-age=604800, stale-while-revalidate=2592000",
                "/photo.webp": "public, max-age=86400, stale-while-revalidate=604800",
                "/favicon.ico": "public, max-age=86400", "/live.m3u8": "public, max-age=2",
                "/nowhere": "public, max-age=10", "/assets/gone-0badcafe.js": "no-store"}.items():
            self.assertEqual(self.server.get(path, "http/1.1")["cache-control"], expected, path)

    def test_errors_are_problem_documents_and_say_so(self):
        response = self.server.get("/nowhere")
        self.assertEqual((response.status, response["content-type"]), (404, "application/problem+json"))
        self.assertEqual(response["x-content-type-options"], "nosniff")

    def test_every_response_has_its_date_and_cache_status(self):  # RFC 9110 §6.6.1, RFC 9211
        for path in ("/", "/digits.bin", "/nowhere", "/docs"):
            response = self.server.get(path)
            self.assertRegex(response["cache-status"], r"^selvage; (hit|fwd=|detail=)")
            self.assertIsNotNone(parsedate_to_datetime(response["date"]))

    def test_what_the_client_has_is_not_sent_again(self):  # RFC 9110 §13.1, §15.4.5
        for protocol in OVER_TLS_AND_PLAIN:
            first = self.server.get("/", protocol)
            self.assertRegex(first["etag"], r'^"[A-Za-z0-9_-]{16}"$')
            opaque = first["etag"].strip('"')
            tags = [first["etag"], "W/" + first["etag"], "*", f'"x", {first["etag"]}', f'"{opaque}-br"', f'"{opaque}-zstd"', f'"{opaque}-gz"']
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
        path = "/types/big.js"
        (self.root / "types/big.js").write_bytes(b"function name() { return 'text'; }\n" * 3000)
        for coding in ("zstd", "br", "gzip"):
            first = self.server.get(path, fields={"Accept-Encoding": coding})
            self.assertEqual(first["content-encoding"], coding)
            again = self.server.get(path, fields={"Accept-Encoding": coding, "If-None-Match": first["etag"]})
            self.assertEqual((again.status, again.body), (304, b""), (coding, first["etag"]))

    def test_a_condition_that_fails_is_412(self):  # RFC 9110 §13.1.1, §13.1.4
        tag = self.server.get("/")["etag"]
        for fields, status in (({"If-Match": '"other"'}, 412), ({"If-Match": tag}, 200), ({"If-Match": "*"}, 200), ({"If-Match": "W/" + tag}, 412),
                               ({"If-Unmodified-Since": formatdate(0, usegmt=True)}, 412), ({"If-Match": tag, "If-None-Match": tag}, 304)):
            self.assertEqual(self.server.get("/", fields=fields).status, status, fields)

    def test_one_range_is_that_part(self):  # RFC 9110 §14
        for protocol in OVER_TLS_AND_PLAIN:
            for asked, (first, last) in {"0-9": (0, 9), "4990-": (4990, 4999), "-10": (4990, 4999), "4000-999999": (4000, 4999), "7-7": (7, 7)}.items():
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

    def test_only_what_is_negotiated_varies(self):  # static-delivery §4
        self.assertEqual(self.server.get("/")["vary"], "Accept-Encoding")
        self.assertNotIn("vary", self.server.get("/photo.webp"))
        self.assertNotIn("vary", self.server.get("/fonts/a.woff2"))

    def test_an_empty_file_is_an_empty_200(self):
        for protocol in OVER_TLS_AND_PLAIN:
            response = self.server.get("/empty.txt", protocol)
            self.assertEqual((response.status, response["content-length"], response.body), (200, "0", b""))


if __name__ == "__main__":
    unittest.main()
