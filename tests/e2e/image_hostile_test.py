#!/usr/bin/python3
"""A malformed picture or a bomb costs its request an error, and nothing else."""
import json
import unittest

import pictures
from selvage import Server
from server_case import ServerCase, write

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10">%s</svg>'


class Hostile(ServerCase):
    @classmethod
    def prepare(cls):
        good = pictures.jpeg(300, 200)
        write(cls.root, {
            "good.jpg": good, "cut.jpg": good[:len(good) // 3], "head.jpg": good[:400], "text.jpg": b"this is no picture\n" * 50,
            "empty.jpg": b"",
            "magic.jpg": b"XXXX" + good[4:], "bomb.png": pictures.png_claiming(30000, 30000),
            "thin.png": pictures.png_claiming(20000, 1),
            "lies.png": pictures.png_claiming(3000, 3000), "riff.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(50),
            "box.avif": b"\0\0\0\x1cftypavif" + bytes(60),
            "gif.gif": b"GIF89a\xff\xff\xff\xff" + bytes(20),
            "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"><rect width="9" height="4"/></svg>',
            "shadow.svg": SVG % b'<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><rect filter="url(#f)" width="9" height="9"/>',
            "external.svg": SVG % b'<image width="9" height="9" xlink:href="file:///etc/passwd"/>'
                                  b'<use xlink:href="/etc/passwd#a"/>',
            "entities.svg": b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG % b"<text>&a;</text>",
            "endless.svg": SVG % (b"<g>" * 100_000)})

    @classmethod
    def start(cls):
        return Server(config=f'[image]\nrasterise_svg = true\n[[site]]\nroot = "{cls.root}"\n')

    def refused(self, target, *statuses):
        response = self.server.get(target)
        self.assertIn(response.status, statuses, f"{target}: {response}")
        if response.status >= 400:
            self.assertEqual((response["content-type"], response["cache-control"]), ("application/problem+json", "no-store"))
        return response

    def test_what_cannot_be_decoded_is_422(self):
        for name in ("cut.jpg", "head.jpg", "lies.png", "riff.webp", "box.avif", "gif.gif"):
            response = self.refused(f"/{name}?w=50", 422, 415)
            self.assertEqual(response["vary"], "Accept", name)
        self.assertEqual(json.loads(self.refused("/cut.jpg?w=50", 422).body)["code"], "undecodable")

    def test_a_picture_of_too_many_pixels_is_refused_unseen(self):
        for name in ("bomb.png", "thin.png"):
            self.assertEqual(json.loads(self.refused(f"/{name}?w=50", 422).body)["code"], "source_pixels", name)

    def test_a_name_does_not_make_a_picture(self):  # sniffed by content; parameters on other files are no mistake
        for name in ("text.jpg", "empty.jpg", "magic.jpg"):
            response = self.refused(f"/{name}?w=50", 200, 415)
            if response.status == 200:
                self.assertEqual(response.body, (self.root / name).read_bytes())

    def test_a_drawing_stays_a_drawing_unless_a_format_is_asked_for(self):  # image-urls §3, protocol-and-limits §7
        for target in ("/drawing.svg", "/drawing.svg?w=50"):
            response = self.server.get(target, fields={"Accept": "image/avif,image/webp"})
            self.assertEqual((response.status, response["content-type"], response.body),
                             (200, "image/svg+xml", (self.root / "drawing.svg").read_bytes()))
            self.assertIn("sandbox", response["content-security-policy"])
        self.assertEqual(pictures.examine(self.refused("/drawing.svg?w=50&fm=png", 200).body)[:3], ("png", 10, 5))
        self.refused("/shadow.svg?w=50&fm=png", 200)  # by threads of librsvg's own, behind the same walls
        for name in ("external.svg", "entities.svg", "endless.svg"):
            self.refused(f"/{name}?w=50&fm=png", 200, 413, 415, 422)

    def test_afterwards_the_server_goes_on_with_the_same_workers(self):
        before = self.server.workers()
        for name in ("cut.jpg", "lies.png", "bomb.png", "riff.webp"):
            self.refused(f"/{name}?w=60", 422, 415)
        self.assertEqual(self.server.get("/good.jpg?w=60").status, 200)
        self.assertEqual(self.server.workers(), before)
        self.assertEqual(self.server.metric("worker_restarts_total"), 0)


if __name__ == "__main__":
    unittest.main()
