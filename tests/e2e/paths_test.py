#!/usr/bin/python3
"""What a path may reach, and how large a request may be: protocol-and-limits §3 and §4, over both protocols."""
import os
import re
import unittest

from server_case import ServerCase, write

BOTH = ("h2", "https/1.1", "http/1.1", "h2c")
SECRET = b"nobody may read this"


class Paths(ServerCase):
    files = {"site/" + name: content for name, content in {
        "index.html": b"home", "docs/index.html": b"docs", "docs/a.txt": b"a", ".env": SECRET, ".git/config": SECRET,
        "docs/.hidden": SECRET,
        "docs/.well-known/x": SECRET, ".well-known/security.txt": b"Contact: us", "100%.txt": b"percent",
        "a%20b.txt": b"escaped once",
        "a b.txt": b"space", "grün.txt": b"umlaut", "plus+.txt": b"plus", "[x].txt": b"brackets"}.items()}

    @classmethod
    def prepare(cls):
        write(cls.root, {"secret.txt": SECRET})
        cls.root = cls.root / "site"
        os.mkfifo(cls.root / "pipe")

    def status(self, path, protocol):
        response = self.server.get(path, protocol)
        self.assertNotIn(SECRET, response.body, path)
        return response.status

    def test_nothing_above_the_root_is_reached(self):
        for protocol in BOTH:
            for path in ("/../secret.txt", "/docs/../../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt",
                         "/docs/%2E%2E/%2e%2e/secret.txt",
                         "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/docs/..%2f..%2fsecret.txt", "/./../secret.txt",
                         "//../secret.txt", "/..;/secret.txt",
                         "/%252e%252e/secret.txt", "/%c0%ae%c0%ae/secret.txt", "/..%c0%afsecret.txt",
                         f"/{self.root}/../secret.txt",
                         f"//{self.root.parent}/secret.txt", f"/%2f{self.root.parent}/secret.txt"):
                self.assertIn(self.status(path, protocol), (400, 404), path)

    def test_dot_segments_are_resolved_before_the_file_is_looked_for(self):
        for protocol in BOTH:
            for path in ("/docs/../docs/a.txt", "/docs/./a.txt", "/%64ocs/a%2Etxt", "/x/%2e%2e/docs/a.txt", "/../docs/a.txt"):
                self.assertEqual(self.server.get(path, protocol).body, b"a", path)

    def test_a_path_is_decoded_once(self):
        for protocol in ("h2", "http/1.1"):
            for path, body in {"/100%25.txt": b"percent", "/a%2520b.txt": b"escaped once", "/a%20b.txt": b"space",
                               "/gr%C3%BCn.txt": b"umlaut",
                               "/plus+.txt": b"plus", "/plus%2B.txt": b"plus", "/%5Bx%5D.txt": b"brackets"}.items():
                self.assertEqual(self.server.get(path, protocol).body, body, path)
            self.assertEqual(self.status("/docs%2Fa.txt", protocol), 404)  # an escaped slash separates nothing

    def test_null_control_bytes_backslash_and_broken_escapes_are_refused(self):
        for protocol in BOTH:
            for path in ("/index.html%00", "/index.html%00.txt", "/%0d%0aSet-Cookie:a", "/a%09b", "/a%7fb", "/docs\\a.txt",
                         "/docs%5Ca.txt", "/..%5csecret.txt",
                         "/%", "/%4", "/%zz"):
                self.assertEqual(self.status(path, protocol), 400, path)

    def test_files_that_begin_with_a_dot_are_absent_but_for_the_well_known_ones(self):
        for protocol in BOTH:
            for path in ("/.env", "/%2eenv", "/.git/config", "/.git/", "/.git", "/docs/.hidden", "/docs/.well-known/x",
                         "/.well-known/../.env"):
                self.assertEqual(self.status(path, protocol), 404, path)
            self.assertEqual(self.server.get("/.well-known/security.txt", protocol).body, b"Contact: us")

    def test_no_redirect_leads_to_another_host(self):
        for protocol in BOTH:
            for path in ("//docs", "///docs", "//docs/..//docs", "/%2fdocs", "//evil.example/%2e%2e/docs", "/docs"):
                location = self.server.get(path, protocol)["location"]
                self.assertTrue(location is None or re.match(r"/[^/\\]", location), (path, location))

    def test_what_is_no_regular_file_is_absent(self):
        for path in ("/pipe", "/docs/a.txt/", "/docs/a.txt/b", "/index.html/index.html"):
            self.assertEqual(self.status(path, "h2"), 404, path)

    def test_a_very_long_address_is_refused(self):  # protocol-and-limits §3: 8 KiB, also where there is no request line
        for protocol in BOTH:
            for path in ("/" + "a" * 9000, "/?" + "a" * 9000, "/" + "a/" * 4500, "/index.html?" + "a" * 9000):
                response = self.server.get(path, protocol)
                self.assertEqual((response.status, response["cache-control"]), (414, "no-store"), (protocol, path[:20]))
            # beyond the whole header section HTTP/2 says so; in HTTP/1 the request line comes first
            self.assertEqual(self.status("/" + "a" * 35000, protocol), 431 if protocol.startswith("h2") else 414, protocol)
            self.assertEqual(self.status("/" + "a" * 300, protocol), 404, protocol)  # no name is that long
            self.assertEqual(self.status("/" + "a/" * 3000, protocol), 404, protocol)
            self.assertEqual(self.status("/index.html?" + "a" * 7000, protocol), 200, protocol)

    def test_too_many_or_too_large_fields_are_431_and_the_server_goes_on(self):
        many = {f"x-{i}": "1" for i in range(140)}
        large = {f"x-{i}": "a" * 8000 for i in range(5)}
        for protocol in BOTH:
            self.assertEqual(self.server.get("/", protocol, fields=many).status, 431, protocol)
            self.assertEqual(self.server.get("/", protocol, fields=large).status, 431, protocol)
            self.assertEqual(self.server.get("/", protocol, fields={f"x-{i}": "a" * 300 for i in range(80)}).status, 200,
                             protocol)
        self.assertGreater(self.server.metric('limit_hits_total{limit="fields"}'), 0)
        self.assertGreater(self.server.metric('limit_hits_total{limit="header_bytes"}'), 0)


if __name__ == "__main__":
    unittest.main()
