#!/usr/bin/python3
"""A source that is dear to decode is decoded twice, not for every variant: image-engine.md §4."""
import io
import unittest

import pictures
from PIL import Image, ImageChops, ImageStat
from pictures import examine
from purge_test import purge
from selvage import Server
from server_case import ServerCase, write
from waiting import until

WIDTH, HEIGHT = 3001, 2003  # no size of a variant is a round one


def large(**options):
    """Shapes of some size: colour in every pixel is lost by the last encoder anyway."""
    picture = pictures.photo(WIDTH // 8, HEIGHT // 8).resize((WIDTH, HEIGHT), Image.BICUBIC)
    return pictures.bytes_of(picture, "jpeg", quality=92, progressive=True, **options)


def difference(left, right):
    """The mean over all pixels, of 255."""
    pictures_ = [Image.open(io.BytesIO(content)).convert("RGB") for content in (left, right)]
    return sum(ImageStat.Stat(ImageChops.difference(*pictures_)).mean) / 3


class Mezzanines(ServerCase):
    options = "upgrade = false"

    @classmethod
    def prepare(cls):
        exif = Image.Exif()
        exif[0x0112], exif[0x8298] = 6, "the photographer"
        write(cls.root, {"photo.jpg": large(), "lying.jpg": large(exif=exif),
                         "small.jpg": pictures.jpeg(2000, 1500), "one-scan.jpg": pictures.jpeg(2800, 1900), "alpha.png": pictures.translucent(2400, 1600),
                         **{f"{name}.jpg": pictures.jpeg(2800, 1900, seed=seed, progressive=True) for seed, name in enumerate("abcd")}})

    @classmethod
    def start(cls):
        return Server(config=f'[image]\n{cls.options}\n[[site]]\nroot = "{cls.root}"\n')

    def made(self):
        return self.server.metric("mezzanines_made_total")

    def used(self):
        return self.server.metric("mezzanines_used_total")

    def ask(self, target, server=None):
        response = (server or self.server).get(target)
        self.assertEqual(response.status, 200, f"{target}: {response}")
        return response

    def warm(self, name):
        """The second variant has it made."""
        before = self.made()
        self.ask(f"/{name}?w=200&fm=webp")
        self.ask(f"/{name}?w=300&fm=webp")
        until("its mezzanine is made", lambda: self.made() == before + 1)

    def quiet(self):
        until("nothing is made", lambda: self.server.metric("fills") == 0)

    def test_later_variants_are_made_of_it_and_look_the_same(self):
        self.warm("photo.jpg")
        with Server(config=f'[image]\nupgrade = false\nmezzanine = false\n[[site]]\nroot = "{self.root}"\n') as plain:
            for number, query in enumerate(("w=640&fm=webp&q=95", "h=333&fm=jpeg&q=95", "w=500&h=500&fit=cover&fm=webp&q=95",
                                            "w=333&rot=90&fm=webp&q=95", "w=401&h=200&fit=pad&bg=f00&fm=jpeg&q=95",
                                            "w=301&h=201&fit=stretch&fm=webp&q=95", "w=450&blur=2&fm=webp&q=95")):
                before = self.used()
                of_mezzanine, of_source = self.ask(f"/photo.jpg?{query}"), self.ask(f"/photo.jpg?{query}", plain)
                self.assertEqual(self.used(), before + 1, query)
                self.assertEqual(examine(of_mezzanine.body), examine(of_source.body), query)
                self.assertIn(f"src={WIDTH}x{HEIGHT}", of_mezzanine["x-img"])
                self.assertLess(difference(of_mezzanine.body, of_source.body), 2, query)
            self.assertEqual(plain.metric("mezzanines_made_total"), 0)

    def test_what_it_is_too_small_for_is_made_of_the_source(self):
        self.warm("a.jpg")
        before = self.used()
        for query in ("w=1700&fm=webp", "w=1300&h=1200&fit=cover&fm=webp", "w=1200&fm=webp&q=95", "q=50&fm=webp", "w=300&fm=png"):
            self.ask(f"/a.jpg?{query}")
        self.assertEqual(self.used(), before)

    def test_a_picture_on_its_side_comes_out_upright_and_keeps_its_owner(self):
        self.warm("lying.jpg")
        before = self.used()
        response = self.ask("/lying.jpg?w=400&fm=jpeg")
        self.assertEqual(self.used(), before + 1)
        picture = Image.open(io.BytesIO(response.body))
        self.assertEqual(picture.size, (400, round(400 * WIDTH / HEIGHT)))
        self.assertEqual(picture.getexif().get(0x8298), "the photographer")
        self.assertNotIn(0x0112, picture.getexif())

    def test_the_same_variant_again_is_no_second_one(self):
        before = self.made()
        for _ in range(3):
            self.ask("/b.jpg?w=200&fm=webp")
        self.quiet()
        self.assertEqual(self.made(), before)

    def test_sources_that_are_cheap_or_no_photographs_have_none(self):
        before = self.made()
        for name in ("small.jpg", "one-scan.jpg", "alpha.png"):
            for width in (200, 300, 400):
                self.ask(f"/{name}?w={width}&fm=webp")
        self.quiet()
        self.assertEqual(self.made(), before)

    def test_a_purge_of_the_picture_takes_it_along(self):
        self.warm("c.jpg")
        self.ask("/c.jpg?w=310&fm=webp")
        purge(self.server, urls=["/c.jpg"])
        before = self.used()
        self.ask("/c.jpg?w=320&fm=webp")
        self.assertEqual(self.used(), before)


if __name__ == "__main__":
    unittest.main()
