#!/usr/bin/python3
"""What one client, one source and one drawing may cost: image-urls.md §1.5, §3; protocol-and-limits.md §7."""
import json
import os
import signal
import threading
import unittest

from PIL import Image

import damage
import pictures
from selvage import Server
from server_case import ServerCase, write
from waiting import until

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">%s</svg>'
HITS = 'limit_hits_total{{limit="{}"}}'


class ImageLimits(ServerCase):
    options = ""
    limits = "address_exempt = []"

    @classmethod
    def prepare(cls):
        write(cls.root, {**{f"{name}.jpg": pictures.jpeg(300, 200, seed=seed) for seed, name in enumerate("abcdef")},
                         "moving.gif": pictures.animation("gif", 60, 40),
                         "longer.gif": pictures.animation("gif", 60, 40, frames=5),
                         **{f"{name}.png": pictures.bytes_of(Image.new("RGB", size), "png") for name, size in
                            {"tiny": (8, 4), "small": (20, 10), "wide": (320, 10), "large": (310, 310)}.items()},
                         "dense.svg": SVG % (b"<g/>" * 30),
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


class JoinedMisses(ImageLimits):
    options = "client_misses = 1\nclient_misses_burst = 1\nupgrade = false\nworkers = 1"

    def test_who_waits_for_what_is_being_made_for_another_has_not_caused_it(self):
        [worker] = until("one worker", lambda: self.server.metric("transform_workers_ready") == 1 and self.server.workers())
        statuses, threads = [], []

        def ask(target, address):
            threads.append(threading.Thread(target=lambda: statuses.append(
                self.server.get(target, more=("--interface", address)).status)))
            threads[-1].start()
        os.kill(worker, signal.SIGSTOP)
        try:
            ask("/f.jpg?w=60&fm=webp", "127.0.0.1")
            until("it is being made", lambda: self.server.metric("transform_workers_busy") == 1)
            for _ in range(6):
                ask("/f.jpg?w=60&fm=webp", "127.0.0.2")
            until("all wait for it", lambda: self.server.metric("fill_waiters") == 7)
            self.assertEqual(self.server.get("/f.jpg?w=61&fm=webp", more=("--interface", "127.0.0.1")).status, 429)
        finally:
            os.kill(worker, signal.SIGCONT)
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 7)
        self.assertEqual(self.server.get("/f.jpg?w=62&fm=webp", more=("--interface", "127.0.0.2")).status, 200)
        self.assertEqual(self.hits("image.client_misses"), 1)


class EachLimit(ImageLimits):
    """One server per class of limits that would hide one another."""

    def each(self, cases):
        for limit, target, status, code in cases:
            with self.subTest(limit):
                before = self.hits(limit)
                if code is None:
                    self.assertEqual(self.server.get(target).status, status)
                else:
                    self.assertEqual(self.code(target, status), code)
                self.assertEqual(self.hits(limit), before + 1)


class Sizes(EachLimit):
    options = ("source_bytes = 4096\nframes = 3\noutput_pixels = 5000\nsource_pixels = 90000\noutput_side = 2000\n"
               "source_side = 310\nrasterise_svg = true\nsvg_bytes = 2500\nsvg_elements = 20\nquery_bytes = 100\nquery_params = 3")

    def test_each_limit_is_counted_by_its_name(self):
        self.each((("image.source_bytes", "/a.jpg?w=50&fm=webp", 413, "source_too_large"),
                   ("image.source_side", "/wide.png?w=50", 422, "source_pixels"),
                   ("image.source_pixels", "/large.png?w=50", 422, "source_pixels"),
                   ("image.frames", "/moving.gif?w=30&fm=webp", 422, "too_many_frames"),
                   ("image.output_pixels", "/small.png?w=100&h=100&fit=pad", 413, "too_large"),
                   ("image.output_side", "/small.png?w=2001", 400, "too_large"),
                   ("image.dpr", "/small.png?w=10&dpr=4.5", 400, "too_large"),
                   ("image.query_bytes", "/small.png?w=10&x=" + "1" * 100, 414, None),
                   ("image.query_params", "/small.png?w=10&a=1&b=1&c=1", 400, "too_many_params"),
                   ("image.svg_elements", "/dense.svg?fm=png", 422, "too_many_elements"),
                   ("image.svg_bytes", "/long.svg?fm=png", 413, "source_too_large")))

    def test_each_answer_is_counted(self):
        before = self.hits("image.dpr")
        for _ in range(3):
            self.code("/small.png?w=10&dpr=9", 400)
        self.assertEqual(self.hits("image.dpr"), before + 3)


class Results(EachLimit):
    options = ("animation_pixels = 9600\nanimation_output_pixels = 20000\navif_pixels = 100\nupscale = 2\nupscale_pixels = 400\n"
               "upgrade = false\nrecycle_jobs = 1000")

    def test_each_limit_is_counted_by_its_name(self):
        self.each((("image.animation_output_pixels", "/moving.gif?w=100&h=100&fit=pad&fm=webp", 413, "too_large"),
                   ("image.animation_pixels", "/longer.gif?w=30&fm=webp", 422, "source_pixels"),
                   ("image.avif_pixels", "/a.jpg?w=60&fm=avif", 200, None),
                   ("image.upscale", "/tiny.png?w=100&up=1", 200, None),
                   ("image.upscale_pixels", "/small.png?w=100&up=1", 200, None)))

    def test_what_is_enlarged_less_than_was_asked_is_smaller(self):
        self.assertEqual(pictures.examine(self.server.get("/tiny.png?w=101&up=1").body)[1:3], (16, 8))

    def test_a_moving_result_may_be_larger_than_its_source(self):
        response = self.server.get("/moving.gif?w=70&h=70&fit=pad&fm=webp")
        self.assertEqual(pictures.examine(response.body)[:3], ("webp", 70, 70))


class Recycling(EachLimit):
    options = "recycle_jobs = 1"

    def test_a_process_that_is_replaced_for_its_age_is_counted(self):
        self.each((("image.recycle_jobs", "/a.jpg?w=60&fm=webp", 200, None),))


class Broken(ImageLimits):
    def test_what_libraries_say_of_broken_files_is_not_in_the_log(self):
        good = {**damage.samples(), "made.avif": self.server.get("/a.jpg?w=60&fm=avif").body}
        for name in ("still.jxl", "made.avif", "rgb.png", "lzw.tiff"):
            for step in (3, 11):
                content = bytearray(good[name])
                for at in range(len(content) // 3, len(content), step):
                    content[at] ^= 0xFF
                write(self.root, {f"{step}{name}": bytes(content)})
                self.assertIn(self.server.get(f"/{step}{name}?w=20&fm=webp").status, (200, 415, 422))
        for line in self.server.log().splitlines():
            self.assertRegex(line, r"^\S+ (info|warn|error) \S+: ")


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
