#!/usr/bin/python3
"""A folder, served: protocols, methods, types and what the response fields promise."""
import re
import subprocess
import time
import unittest
from email.utils import parsedate_to_datetime

from clients import Client
from server_case import ServerCase
from waiting import DEADLINE

PAGE = b"<!doctype html><title>home</title>" + b"<p>hello</p>" * 40
DIGITS = bytes(i % 251 for i in range(5000))
OVER_TLS_AND_PLAIN = ("h2", "https/1.1", "http/1.1", "h2c")

TYPES = {
    "a.html": "text/html", "a.css": "text/css", "a.js": "text/javascript", "a.mjs": "text/javascript",
    "a.json": "application/json", "a.svg": "image/svg+xml", "a.wasm": "application/wasm", "a.woff2": "font/woff2",
    "a.ttf": "font/ttf", "a.avif": "image/avif", "a.webp": "image/webp", "a.mp4": "video/mp4", "a.mp3": "audio/mpeg",
    "a.pdf": "application/pdf", "a.xml": "application/xml", "a.txt": "text/plain", "a.webmanifest": "application/manifest+json",
    "a.m3u8": "application/vnd.apple.mpegurl", "a.vtt": "text/vtt", "A.PNG": "image/png",
    "noextension": "application/octet-stream",
}


class Serving(ServerCase):
    files = {
        "index.html": PAGE, "docs/index.html": b"<p>docs</p>", "empty/x.txt": b"x", "digits.bin": DIGITS,
        "robots.txt": b"User-agent: *\n",
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

    def test_the_date_is_exact_to_the_second_in_every_response(self):
        seconds = set()
        with Client(self.server) as client:
            while len(seconds) < 3:  # so it was asked on both sides of two turns of the second
                before = int(time.time() - 0.1)  # a loop's own clock stands still while it works
                date = int(parsedate_to_datetime(client.get("/digits.bin")["date"]).timestamp())
                self.assertIn(date, range(before, int(time.time()) + 1))
                seconds.add(date)

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
