#!/usr/bin/python3
"""Content codings: chosen by what the client accepts, byte-exact, the fast one first and the best one as soon as it is made."""
import os
import random
import subprocess
import unittest

from coded import CODINGS, SCRIPT, ask, best
from server_case import ServerCase, write
from waiting import until

NOISE = random.Random(2).randbytes(20000)


def compress(content, coding):
    command = {"br": ["brotli", "-c", "-q", "6"], "zstd": ["zstd", "-cq", "-12"], "gzip": ["gzip", "-c9n"]}[coding]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


class Codings(ServerCase):
    files = {
        "app.js": SCRIPT, "fresh.css": SCRIPT + b"1", "page.html": SCRIPT + b"2", "range.txt": SCRIPT, "tiny.css": b"a" * 200,
        "small.css": b"a{color:red}" * 40, "noise.txt": NOISE, "noise.unknown": NOISE, "text.unknown": SCRIPT + b"3",
        "text.jpg": SCRIPT + b"4",
        "drawing.svgz": compress(b"<svg/>", "gzip"), "sidecar.js": SCRIPT + b"5", "stale.js": SCRIPT + b"6",
        "wrong.js": SCRIPT + b"7",
        "alone.js.gz": compress(SCRIPT, "gzip"), "late.js": SCRIPT + b"8",
    }

    @classmethod
    def prepare(cls):
        cls.sidecars = {coding: compress(SCRIPT + b"5", coding) for coding in CODINGS}
        write(cls.root, {"sidecar.js.zst": cls.sidecars["zstd"], "sidecar.js.br": cls.sidecars["br"],
                         "sidecar.js.gz": cls.sidecars["gzip"],
                         "stale.js.br": compress(SCRIPT + b"an earlier release", "br"),
                         "wrong.js.br": compress(b"something else", "br")})
        os.utime(cls.root / "stale.js.br", (1_000_000_000, 1_000_000_000))

    def test_every_coding_decodes_to_the_file_on_every_protocol(self):
        for protocol in ("h2", "https/1.1", "http/1.1", "h2c"):
            for coding in (*CODINGS, "identity"):
                response = ask(self.server, "/app.js", coding, protocol)
                self.assertEqual(response["content-encoding"], None if coding == "identity" else coding)
                self.assertEqual(response.content, SCRIPT, (protocol, coding))
                self.assertEqual(response["vary"], "Accept-Encoding")
        self.assertIsNone(self.server.get("/app.js")["content-encoding"])  # nothing asked: nothing done

    def test_the_first_answer_is_coded_fast_and_the_best_one_replaces_it(self):
        for coding in CODINGS:
            first = ask(self.server, "/fresh.css", coding)
            self.assertEqual((first["content-encoding"], first.content), (coding, SCRIPT + b"1"))
            final = best(self.server, "/fresh.css", coding)
            self.assertEqual((final["content-encoding"], final.content), (coding, SCRIPT + b"1"))
            self.assertLessEqual(len(final.body), len(first.body))
            if first.body != final.body:  # RFC 9110 §8.8.3: other bytes, another strong tag
                self.assertNotEqual(first["etag"], final["etag"])

    def test_each_coding_has_a_tag_of_its_own(self):
        tags = {coding: best(self.server, "/app.js", coding)["etag"] for coding in CODINGS}
        tags["identity"] = self.server.get("/app.js")["etag"]
        self.assertEqual(len(set(tags.values())), 4)
        content = tags["identity"].strip('"')
        self.assertEqual((tags["br"], tags["zstd"], tags["gzip"]), (f'"{content}-br"', f'"{content}-zstd"', f'"{content}-gz"'))

    def test_weights_are_honoured_and_equal_ones_decided_by_size(self):  # RFC 9110 §12.5.3
        sizes = {coding: len(best(self.server, "/page.html", coding).body) for coding in CODINGS}
        smallest = min(CODINGS, key=lambda coding: sizes[coding])
        for accepted, expected in {
                "gzip, br, zstd": smallest, "*": smallest, "gzip;q=1, br;q=0.5": "gzip",
                "br;q=0.1, gzip;q=0.9, zstd;q=0.5": "gzip",
                "GZIP": "gzip", "x-gzip": "gzip", "gzip;q=0": None, "identity": None, "deflate": None,
                "br;q=0, *": min(("zstd", "gzip"), key=sizes.get),
                "identity;q=0, br": "br", "*;q=0, gzip": "gzip", "identity, gzip;q=0.5": None, "": None}.items():
            response = ask(self.server, "/page.html", accepted)
            self.assertEqual((response.status, response["content-encoding"]), (200, expected), accepted)
            self.assertEqual(response.content, SCRIPT + b"2", accepted)
        for accepted in ("*;q=0", "identity;q=0", "deflate, identity;q=0"):
            self.assertEqual(ask(self.server, "/page.html", accepted).status, 406, accepted)

    def test_a_range_is_served_from_the_file_as_it_is(self):
        for coding in CODINGS:
            part = ask(self.server, "/range.txt", coding, Range="bytes=10-19")
            self.assertEqual((part.status, part["content-encoding"], part.body), (206, None, SCRIPT[10:20]))
            self.assertEqual(part["vary"], "Accept-Encoding")

    def test_what_gains_nothing_is_not_coded(self):  # static-delivery §3
        for path, why in {"/tiny.css": "below 256 bytes", "/text.jpg": "a type that is compressed already",
                          "/noise.unknown": "a sample says no"}.items():
            response = ask(self.server, path, "gzip, br, zstd")
            self.assertIsNone(response["content-encoding"], why)
        self.assertNotIn("vary", ask(self.server, "/text.jpg", "br"))
        self.assertEqual(ask(self.server, "/text.unknown", "br")["content-encoding"], "br")
        svgz = ask(self.server, "/drawing.svgz", "gzip")
        self.assertEqual((svgz["content-type"], svgz["content-encoding"], svgz.content), ("image/svg+xml", "gzip", b"<svg/>"))

    def test_a_text_that_does_not_shrink_is_sent_as_it_is(self):
        before = self.server.metric("codings_without_gain_total")
        for accepted in ("gzip, br, zstd", *CODINGS, *CODINGS):  # the first time, and when it is known
            response = ask(self.server, "/noise.txt", accepted)
            self.assertEqual((response.status, response["content-encoding"], response["vary"]), (200, None, "Accept-Encoding"),
                             accepted)
            self.assertEqual(response.body, NOISE, accepted)
        self.assertGreaterEqual(self.server.metric("codings_without_gain_total") - before, 3)
        # as it is, is what this client does not take: RFC 9110 §12.5.3
        self.assertEqual(ask(self.server, "/noise.txt", "br, identity;q=0").status, 406)

    def test_a_small_file_is_coded_in_the_background_only(self):
        self.assertIsNone(ask(self.server, "/small.css", "br")["content-encoding"])
        until("its br", lambda: ask(self.server, "/small.css", "br")["content-encoding"] == "br")
        self.assertEqual(ask(self.server, "/small.css", "br").content, b"a{color:red}" * 40)

    def test_files_beside_a_file_are_its_codings(self):
        for coding in CODINGS:
            self.assertEqual(ask(self.server, "/sidecar.js", coding).body, self.sidecars[coding], coding)
        for ending in ("br", "zst", "gz"):
            self.assertEqual(self.server.get("/sidecar.js." + ending).status, 404)
        alone = ask(self.server, "/alone.js.gz", "gzip")
        self.assertEqual((alone.status, alone.body), (200, compress(SCRIPT, "gzip")))
        self.assertIsNone(alone["content-encoding"])

    def test_a_sidecar_that_is_older_or_decodes_to_something_else_is_not_used(self):
        for name, ending in (("stale", b"6"), ("wrong", b"7")):
            self.assertEqual(ask(self.server, f"/{name}.js", "br").content, SCRIPT + ending)
            self.assertEqual(best(self.server, f"/{name}.js", "br").content, SCRIPT + ending)

    def test_a_sidecar_that_appears_is_used(self):
        ask(self.server, "/late.js", "br")
        late = compress(SCRIPT + b"8", "br")
        write(self.root, {"late.js.br": late})
        until("the sidecar", lambda: ask(self.server, "/late.js", "br").body == late)


if __name__ == "__main__":
    unittest.main()
