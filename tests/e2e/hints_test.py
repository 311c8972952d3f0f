#!/usr/bin/python3
"""Link fields of pages: opt-in, of what exists, as the files are now, and never waited for (static-delivery §8)."""
import unittest

from selvage import Server
from server_case import ServerCase, write
from waiting import until

SITE = """
[hints]
file_bytes = "64KiB"
[[site]]
hosts = ["hinted.test"]
root = "{root}"
hints = true
[[site.rule]]
match = "/own.html"
headers = {{ Link = "</own.css>; rel=preload; as=style" }}
[[site]]
hosts = ["plain.test"]
root = "{root}"
"""

PAGE = b"""<!doctype html><title>A page</title>
<link rel="stylesheet" href="/assets/site.css">
<script type="module" src="/assets/main.js"></script>
<p>Some text""" + b" and more" * 100
FONT = '</assets/text.woff2>; rel=preload; as=font; type="font/woff2"; crossorigin'
MODULES = "</assets/vendor.js>; rel=modulepreload, </assets/shared.js>; rel=modulepreload"


class Hints(ServerCase):
    files = {
        "index.html": PAGE, "own.html": PAGE, "changing.html": PAGE.replace(b"main.js", b"changing.js"), "nothing.html": b"<p>text",
        "large.html": PAGE + b" " * 70_000, "coded.html": PAGE, "first.html": PAGE, "fetched.html": PAGE,
        "assets/site.css": b'@font-face{font-family:Text;src:url("text.woff2") format("woff2")}body{font-family:Text,serif}',
        "assets/text.woff2": b"wOF2",
        "assets/main.js": b'import{a}from"./vendor.js";import"./gone.js";console.log("/",a);import("./lazy.js")',
        "assets/vendor.js": b'export*from"./shared.js";', "assets/shared.js": b"export const a=1", "assets/lazy.js": b"",
        "assets/changing.js": b'import"./vendor.js"',
    }

    @classmethod
    def start(cls):
        return Server(config=SITE.format(root=cls.root))

    def get(self, path, host="hinted.test", protocol="http/1.1", method=None, **fields):
        return self.server.get(path, protocol, method=method, fields={"Host": host, **{key.replace("_", "-"): value for key, value in fields.items()}})

    def links(self, path, **fields):
        """As soon as there are some."""
        return until(f"hints of {path}", lambda: self.get(path, **fields)["link"])

    def test_a_page_names_its_font_and_what_its_modules_import(self):
        for path in ("/index.html", "/"):
            self.assertEqual(self.links(path), f"{FONT}, {MODULES}")

    def test_each_hint_is_a_field_of_its_own(self):
        self.links("/index.html")
        fields = [value for name, value in self.get("/index.html").fields if name == "link"]
        self.assertEqual(fields, [FONT, *MODULES.split(", ")])

    def test_http2_has_them_too(self):
        def ask():
            return self.server.get("/index.html", "h2c", fields={"Host": "hinted.test"})["link"]
        self.assertEqual(until("hints", ask), f"{FONT}, {MODULES}")

    def test_the_first_answer_goes_without(self):
        first = self.get("/first.html")
        self.assertEqual((first.status, first.body), (200, PAGE))
        self.assertNotIn("link", first)
        self.assertEqual(self.links("/first.html"), f"{FONT}, {MODULES}")

    def test_only_where_the_site_wants_them(self):
        self.links("/index.html")
        for _ in range(3):
            self.assertNotIn("link", self.get("/index.html", host="plain.test"))

    def test_only_pages_have_them(self):
        self.links("/index.html")
        for path in ("/assets/main.js", "/assets/site.css", "/nothing.html", "/gone.html"):
            self.assertNotIn("link", self.get(path), path)

    def test_every_coding_and_head_and_304_have_the_same(self):  # RFC 9110 §9.3.2, §15.4.5
        expected = self.links("/coded.html")
        for coding in ("br", "zstd", "gzip", "identity"):
            response = until(f"in {coding}", lambda: (found := self.get("/coded.html", Accept_Encoding=coding))["link"] and found)
            self.assertEqual((response["link"], response.content), (expected, PAGE), coding)
            again = self.get("/coded.html", Accept_Encoding=coding, If_None_Match=response["etag"])
            self.assertEqual((again.status, again["link"]), (304, expected), coding)
        head = self.get("/coded.html", method="HEAD")
        self.assertEqual(head["link"], expected)

    def test_what_scripts_fetch_is_no_navigation(self):  # Fetch Metadata §2.1
        self.links("/fetched.html", Sec_Fetch_Dest="document")
        for destination in ("empty", "script", "object"):
            response = self.get("/fetched.html", Sec_Fetch_Dest=destination)
            self.assertNotIn("link", response, destination)
            self.assertNotIn("Sec-Fetch", response["vary"] or "")
        self.assertIn("link", self.get("/fetched.html", Sec_Fetch_Dest="iframe"))
        self.assertIn("link", self.get("/fetched.html"))

    def test_they_follow_the_files(self):
        def modules(count):
            return (self.get("/changing.html")["link"] or "").count("modulepreload") == count
        until("two modules", lambda: modules(2))
        etag = self.get("/changing.html")["etag"]
        write(self.root, {"assets/changing.js": b'import"./vendor.js";import"./lazy.js"'})
        until("three modules", lambda: self.get("/assets/changing.js") and modules(3))
        write(self.root, {"assets/changing.js": b"// alone"})
        until("none", lambda: self.get("/assets/changing.js") and modules(0))
        self.assertEqual(self.get("/changing.html")["etag"], etag)  # the page is what it was

    def test_a_page_beyond_the_limit_is_not_read(self):
        before = self.server.metric('limit_hits_total{limit="hints.file_bytes"}')
        until("the limit", lambda: self.get("/large.html") and
              self.server.metric('limit_hits_total{limit="hints.file_bytes"}') > before)
        self.assertNotIn("link", self.get("/large.html"))

    def test_a_rule_has_the_last_word(self):
        gathered = self.server.metric("hints_gathered_total")
        until("gathered", lambda: self.get("/own.html") and self.server.metric("hints_gathered_total") > gathered)
        for _ in range(3):
            self.assertEqual(self.get("/own.html")["link"], "</own.css>; rel=preload; as=style")


if __name__ == "__main__":
    unittest.main()
