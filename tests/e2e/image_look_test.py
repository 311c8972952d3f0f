#!/usr/bin/python3
"""What becomes of a picture: upright, with its effects, its owner and its movement."""
import io
import unittest

from PIL import Image

import pictures
from image_case import ImageCase
from pictures import pixel
from server_case import write

# The library that shows a text adds its meaning in parentheses: the owner's own ones must survive that.
OWNERS = ("Anna Example 2026", "Anna (Photographer) - [None] (Editor)", "(c) 2026 a (b", "two\nlines, with blanks  ", "x" * 80)


class Look(ImageCase):
    def test_the_picture_is_upright(self):  # EXIF orientation
        for path in ("/portrait6.jpg", "/portrait8.jpg"):
            response, found = self.image(path + "?w=50&fm=png")
            self.assertEqual(found[1:3], (50, 100), path)
            self.assertGreater(pixel(response.body, 25, 10)[0], 200)  # red above
            self.assertGreater(pixel(response.body, 25, 90)[2], 200)  # blue below
            self.assertEqual(self.image(path + "?w=50&fm=avif")[1][1:3], (50, 100))

    def test_effects_do_what_they_say(self):
        flipped = self.image("/portrait6.jpg?w=50&fm=png&flip=v")[0].body
        self.assertGreater(pixel(flipped, 25, 10)[2], 200)
        turned = self.image("/portrait6.jpg?fm=png&rot=180")[0].body
        self.assertGreater(pixel(turned, 50, 20)[2], 200)
        padded = self.image("/portrait6.jpg?w=200&h=200&fit=pad&bg=00ff00&fm=png")[0].body
        self.assertEqual(pixel(padded, 5, 100), (0, 255, 0))
        top = self.image("/portrait6.jpg?w=100&h=80&fit=cover&g=top&fm=png")[0].body
        self.assertGreater(pixel(top, 50, 75)[0], 200)
        sharp, blurred = (self.image("/portrait6.jpg?fm=png" + more)[0].body for more in ("", "&blur=20"))
        self.assertNotEqual(pixel(sharp, 50, 97), pixel(blurred, 50, 97))
        low, high = (len(self.image(f"/cat.jpg?w=400&fm=webp&q={quality}")[0].body) for quality in (20, 90))
        self.assertLess(low, high)

    def test_the_copyright_is_kept_and_the_place_is_not(self):
        for kind in ("jpeg", "webp"):
            exif = Image.open(io.BytesIO(self.image(f"/portrait6.jpg?w=50&fm={kind}")[0].body)).getexif()
            self.assertEqual(exif.get(0x8298), "the photographer")
            self.assertFalse(exif.get_ifd(0x8825), "GPS")
            self.assertIsNone(exif.get(0x010F), "the camera's make")

    def test_the_copyright_is_kept_to_the_letter(self):
        for number, owner in enumerate(OWNERS):
            write(self.root, {f"owner{number}.jpg": pictures.owned(owner)})
            for kind in ("jpeg", "webp"):
                exif = Image.open(io.BytesIO(self.image(f"/owner{number}.jpg?w=50&fm={kind}")[0].body)).getexif()
                self.assertEqual(exif.get(0x8298), owner, kind)

    def test_what_moves_keeps_moving(self):
        for path, fm, kind in (("/moving.gif", "orig", "gif"), ("/moving.webp", "webp", "webp"), ("/moving.gif", "webp", "webp"),
                               ("/moving.webp", "gif", "gif")):
            self.assertEqual(self.image(f"{path}?w=30&fm={fm}")[1], (kind, 30, 20, 4), path)
        self.assertEqual(self.image("/moving.gif?w=30&anim=0&fm=webp")[1], ("webp", 30, 20, 1))
        self.assertEqual(self.image("/moving.gif?w=30&fm=jpeg")[1], ("jpeg", 30, 20, 1))


if __name__ == "__main__":
    unittest.main()
