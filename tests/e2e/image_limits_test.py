#!/usr/bin/python3
"""What one client, one source and one drawing may cost: image-urls.md §1.5, §3; protocol-and-limits.md §7."""
import json
import unittest

import pictures
from selvage import Server
from server_case import ServerCase, write

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">%s</svg>'
HITS = 'limit_hits_total{{limit="{}"}}'


class ImageLimits(ServerCase):
    options = ""
    limits = "address_exempt = []"

    @classmethod
    def prepare(cls):
        write(cls.root, {**{f"{name}.jpg": pictures.jpeg(300, 200, seed=seed) for seed, name in enumerate("abcdef")},
                         "moving.gif": pictures.animation("gif", 60, 40),
                         "drawing.svg": SVG % b'<rect width="30" height="20"/>',
                         "crowded.svg": SVG % (b'<rect width="9" height="9"/>' * 110),
                         "long.svg": SVG % (b" " * 3_000)})

    @classmethod
    def start(cls):
        return Server(config=f'[image]\n{cls.options}\n[limits]\n{cls.limits}\n[[site]]\nroot = "{cls.root}"\n')

    def code(self, target, status, **more):
        response = self.server.get(target, **more)
        self.assertEqual(response.status, status, f"{target}: {response}")
        self.assertEqual(response["cache-control"], "no-store")
        return json.loads(response.body)["code"]

    def hits(self, limit):
        return self.server.metric(HITS.format(limit))


class MissesOfAClient(ImageLimits):
    options = "client_misses = 1\nclient_misses_burst = 4\nupgrade = false"

    def test_one_client_may_have_so_many_variants_made_and_any_number_sent(self):
        refused = 0
        for width in range(50, 70):  # quicker than one per second
            response = self.server.get(f"/a.jpg?w={width}&fm=webp")
            if response.status == 429:
                refused += 1
                last = response
        self.assertGreaterEqual(refused, 10)
        self.assertEqual(json.loads(last.body)["code"], "rate_limited")
        self.assertGreaterEqual(int(last["retry-after"]), 1)
        self.assertEqual(last["cache-control"], "no-store")
        self.assertEqual(self.hits("image.client_misses"), refused)
        for _ in range(20):
            self.assertEqual(self.server.get("/a.jpg?w=50&fm=webp")["cache-status"], "selvage; hit")
        self.assertEqual(self.server.get("/a.jpg").status, 200)
        other = self.server.get("/a.jpg?w=90&fm=webp", more=("--interface", "127.0.0.2"))
        self.assertEqual(other.status, 200)


class ProgramsOfThisMachine(ImageLimits):
    options = "client_misses = 1\nclient_misses_burst = 1\nupgrade = false"
    limits = ""

    def test_they_are_not_counted(self):
        for width in range(50, 60):
            self.assertEqual(self.server.get(f"/a.jpg?w={width}&fm=webp").status, 200)


class VariantsOfASource(ImageLimits):
    options = "variants_per_source = 3\nupgrade = false"

    def test_so_many_are_stored_and_the_rest_is_made_each_time(self):
        for width in (50, 51, 52):
            self.server.get(f"/a.jpg?w={width}&fm=webp")
        for _ in range(2):
            response = self.server.get("/a.jpg?w=53&fm=webp")
            self.assertEqual((response.status, response["cache-status"]), (200, "selvage; fwd=bypass"))
        self.assertEqual(self.hits("image.variants_per_source"), 2)
        for width in (50, 51, 52):
            self.assertEqual(self.server.get(f"/a.jpg?w={width}&fm=webp")["cache-status"], "selvage; hit")
        self.server.get("/b.jpg?w=53&fm=webp")
        self.assertEqual(self.server.get("/b.jpg?w=53&fm=webp")["cache-status"], "selvage; hit")


class Sizes(ImageLimits):
    options = ("source_bytes = 4096\nframes = 3\noutput_pixels = 5000\nsource_pixels = 100000\n"
               "rasterise_svg = true\nsvg_bytes = 8192\nsvg_elements = 100")

    def test_each_limit_is_counted_by_its_name(self):
        for limit, target, status, code in (("image.source_bytes", "/a.jpg?w=50&fm=webp", 413, "source_too_large"),
                                            ("image.frames", "/moving.gif?w=30&fm=webp", 422, "too_many_frames"),
                                            ("image.svg_elements", "/crowded.svg?fm=png", 422, "too_many_elements")):
            before = self.hits(limit)
            self.assertEqual(self.code(target, status), code)
            self.assertEqual(self.hits(limit), before + 1, limit)


class Drawings(ImageLimits):
    def test_no_pixels_are_made_of_them_unless_an_option_says_so(self):
        response = self.server.get("/drawing.svg?fm=png")
        self.assertEqual(response.status, 400)
        problem = json.loads(response.body)
        self.assertEqual((problem["code"], problem["param"]), ("format_disabled", "fm"))
        self.assertIn("image.rasterise_svg", problem["detail"])

    def test_they_are_sent_as_they_are_and_may_do_nothing(self):
        for target in ("/drawing.svg", "/drawing.svg?w=50", "/drawing.svg?w=50&fm=auto"):
            response = self.server.get(target, fields={"Accept": "image/avif,image/webp"})
            self.assertEqual((response.status, response["content-type"], response.body),
                             (200, "image/svg+xml", (self.root / "drawing.svg").read_bytes()))
            self.assertEqual(response["content-security-policy"], "sandbox; default-src 'none'; style-src 'unsafe-inline'")
            self.assertEqual(response["x-content-type-options"], "nosniff")


class DrawingsOfAnotherPolicy(ServerCase):
    files = {"drawing.svg": SVG % b"", "other.svg": SVG % b""}

    @classmethod
    def start(cls):
        return Server(config=f'[[site]]\nroot = "{cls.root}"\n[[site.rule]]\nmatch = "/other.svg"\n'
                             'headers = { Content-Security-Policy = "default-src \'self\'" }\n')

    def test_a_rule_has_the_last_word(self):
        self.assertEqual(self.server.get("/other.svg")["content-security-policy"], "default-src 'self'")
        self.assertIn("sandbox", self.server.get("/drawing.svg")["content-security-policy"])


class DrawingsAsPixels(ImageLimits):
    options = "rasterise_svg = true\nsvg_bytes = 2048\nsvg_elements = 100"

    def test_where_the_option_says_so_fm_makes_them(self):
        response = self.server.get("/drawing.svg?w=20&fm=png")
        self.assertEqual((response.status, pictures.examine(response.body)), (200, ("png", 20, 10, 1)))

    def test_large_ones_are_refused_unread(self):
        self.assertEqual(self.code("/long.svg?fm=png", 413), "source_too_large")
        self.assertEqual(self.code("/crowded.svg?fm=png", 413), "source_too_large")


if __name__ == "__main__":
    unittest.main()
