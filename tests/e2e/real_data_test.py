#!/usr/bin/python3
"""Real pictures and real bundles, when SELVAGE_SHARED_DATA has them; SELVAGE_E2E_ALL=1 asks for every combination.

SELVAGE_E2E_TABLE names a file for a table of what each picture cost: bytes, and milliseconds made and found again.
"""
import io
import os
import pathlib
import tempfile
import time
import unittest

from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from clients import Client
from messages import decode
from pictures import examine
from selvage import Server
from server_case import write
from waiting import until

DATA = pathlib.Path(os.environ.get("SELVAGE_SHARED_DATA") or "/nowhere")
ALL = bool(os.environ.get("SELVAGE_E2E_ALL"))
TABLE = os.environ.get("SELVAGE_E2E_TABLE")
EVERY = [(kind, width) for kind in ("avif", "webp", "jpeg") for width in (64, 640, 1600)]
SOME = [("avif", 64), ("avif", 640), ("webp", 640), ("jpeg", 1600)]


def upright(path):
    """The source as it is meant to be looked at; its size alone where PIL cannot read it."""
    if path.suffix == ".avif":
        return examine(path.read_bytes())[1:3], None
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        profile = image.info.get("icc_profile")
    if profile and turned.mode == "RGB":
        turned = ImageCms.profileToProfile(turned, io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    return turned.size, turned


@unittest.skipUnless((DATA / "images").is_dir(), "no real data here")
class RealData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(DATA)
        cls.addClassCleanup(lambda: cls.server.stop())
        cls.client = Client(cls.server)
        cls.addClassCleanup(cls.client.connection.close)
        cls.pictures = sorted(path for path in (DATA / "images").iterdir() if path.suffix != ".md")

    def test_every_picture_becomes_every_format_and_width(self):
        rows = [("source", "width", "format", "size", "bytes", "ms cold", "ms hit"), ("---",) * 7]
        for path in self.pictures:
            if path.name.startswith("x"):
                continue
            if path.suffix == ".svg":  # drawn only where the operator wants it
                self.assertEqual(self.client.get(f"/images/{path.name}?w=640&fm=png").status, 400)
                continue
            (width, height), image = upright(path)
            for kind, asked in EVERY if ALL else SOME:
                with self.subTest(picture=path.name, format=kind, width=asked):
                    response, cold = self.timed(f"/images/{path.name}?w={asked}&fm={kind}")
                    self.assertEqual((response.status, response["content-type"]), (200, f"image/{kind}"))
                    found = examine(response.body)
                    self.assertEqual((found[0], found[1]), (kind, min(asked, width)), "never enlarged")
                    self.assertAlmostEqual(found[2], height * min(asked, width) / width, delta=1)
                    if path.name.startswith(("e", "p")):
                        self.assert_alike(image, self.readable(response.body, kind))
                    again, hit = self.timed(f"/images/{path.name}?w={asked}&fm={kind}")
                    self.assertIn(again["cache-status"], ("selvage; hit", "selvage; hit; detail=interim"))
                    self.assertEqual(again.body, response.body)
                    size = f"{found[1]}×{found[2]}"
                    rows.append((path.name, asked, kind, size, len(response.body), f"{cold:.0f}", f"{hit:.1f}"))
        if TABLE:
            pathlib.Path(TABLE).write_text("".join(f"| {' | '.join(map(str, row))} |\n" for row in rows))

    def timed(self, target):
        """The response, and milliseconds from the request to its last byte on a connection that is open already."""
        start = time.monotonic()
        response = self.client.get(target)
        return response, (time.monotonic() - start) * 1000

    def readable(self, content, kind):
        """A picture that PIL can read: AVIF is read back by our own engine, at its own size."""
        if kind != "avif":
            return content
        with tempfile.TemporaryDirectory(prefix="selvage-back-") as folder:
            write(folder, {"picture.avif": content})
            with Server(folder) as server:
                return server.get("/picture.avif?fm=png").body

    def assert_alike(self, source, content):
        """Seen from far away they are the same picture: so neither is turned."""
        small = [image.convert("RGB").resize((16, 16)) for image in (source, Image.open(io.BytesIO(content)))]
        self.assertLess(max(ImageStat.Stat(ImageChops.difference(*small)).mean), 5)

    def test_every_hostile_picture_is_a_clear_refusal_and_the_server_goes_on(self):
        for path in self.pictures:
            if not path.name.startswith("x"):
                continue
            for kind, width in EVERY if ALL else SOME:
                response = self.server.get(f"/images/{path.name}?w={width}&fm={kind}")
                self.assertEqual((response.status, response["content-type"]), (422, "application/problem+json"), path.name)
        self.assertEqual(self.server.get("/images/w02-photo.webp?w=32&fm=webp").status, 200)

    def test_every_bundle_arrives_byte_exact_in_every_coding(self):
        bundles = sorted(path for path in (DATA / "bundles").rglob("*") if path.suffix in (".js", ".css"))
        self.assertGreater(len(bundles), 5)
        for path in bundles if ALL else bundles[::2]:
            content, target = path.read_bytes(), "/" + str(path.relative_to(DATA))
            for coding in ("identity", "gzip", "br", "zstd"):
                response = self.server.get(target, fields={"Accept-Encoding": coding})
                self.assertEqual((response.status, response["content-encoding"]), (200, None if coding == "identity" else coding),
                                 target)
                self.assertTrue(decode(response.body, response["content-encoding"]) == content, f"{target} in {coding}")
        for path in bundles if ALL else bundles[:1]:
            content, target = path.read_bytes(), "/" + str(path.relative_to(DATA))
            for coding in ("gzip", "br", "zstd"):
                response = until(f"the best {coding} of {target}", lambda: self.best(target, coding), deadline=300 if ALL else 60)
                self.assertTrue(decode(response.body, coding) == content, f"{target} in {coding}")

    def best(self, target, coding):
        response = self.server.get(target, fields={"Accept-Encoding": coding})
        return response if "detail=interim" not in response["cache-status"] and "detail=stale" not in response["cache-status"] and "hit" in response["cache-status"] else None


if __name__ == "__main__":
    unittest.main()
