#!/usr/bin/python3
"""Images as their URL asks for them: image-urls.md §1."""
import json
import unittest

from image_case import ImageCase

CHROMIUM = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI_13 = "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
WEBP_ONLY = "image/webp,*/*"


class ImageUrls(ImageCase):
    def test_the_format_is_what_the_client_accepts(self):  # §1.3
        for path, accept, expected in (
                ("/cat.jpg", CHROMIUM, "avif"), ("/cat.jpg", WEBP_ONLY, "webp"), ("/cat.jpg", SAFARI_13, "jpeg"),
                ("/cat.jpg", "image/*", "jpeg"),
                ("/cat.jpg", "image/avif;q=0, image/webp;q=0.1", "webp"), ("/cat.jpg", "IMAGE/AVIF", "avif"),
                ("/alpha.png", SAFARI_13, "png"),
                ("/alpha.png", WEBP_ONLY, "webp"), ("/moving.gif", SAFARI_13, "gif"), ("/moving.gif", CHROMIUM, "webp")):
            response, found = self.image(path + "?w=50", accept)
            self.assertEqual(found[0], expected, (path, accept))
            self.assertEqual(response["vary"], "Accept")

    def test_a_named_format_is_that_format_and_does_not_vary(self):
        for name, kind in {"jpeg": "jpeg", "jpg": "jpeg", "png": "png", "webp": "webp", "avif": "avif", "gif": "gif"}.items():
            response, found = self.image(f"/cat.jpg?fm={name}&w=40", CHROMIUM)
            self.assertEqual(found[:3], (kind, 40, 30), name)
            self.assertNotIn("vary", response)
        self.assertEqual(self.image("/cat.jpg?fm=orig&w=40", CHROMIUM)[1][0], "jpeg")

    def test_the_size_is_what_was_asked_and_never_larger_than_the_source(self):  # §1.2
        for query, size in {
                "w=200": (200, 150), "h=150": (200, 150), "width=200": (200, 150), "w=100&dpr=2": (200, 150),
                "w=200&h=200": (200, 150),
                "w=200&h=200&fit=inside": (200, 150), "w=200&h=200&fit=cover": (200, 200), "w=200&h=200&fit=crop": (200, 200),
                "w=200&h=200&fit=pad": (200, 200), "w=200&h=200&fit=outside": (267, 200), "w=200&h=200&fit=stretch": (200, 200),
                "w=8000": (800, 600), "w=1600&h=1600&fit=cover": (600, 600), "w=1000&h=1000&fit=pad": (1000, 1000),
                "w=1000&up=1": (1000, 750),
                "w=200&rot=90": (150, 200), "w=200&flip=h": (200, 150), "fm=webp": (800, 600)}.items():
            found = self.image("/cat.jpg?" + query)[1]
            self.assertEqual(found[1:3], size, query)
        self.assertEqual(self.image("/tiny.png?w=640")[1][1:3], (20, 10))

    def test_what_is_not_known_is_ignored_and_named(self):  # §1.1 rule 2
        response, found = self.image("/cat.jpg?w=50&utm_source=mail&<b>=1", WEBP_ONLY)
        self.assertEqual(found[:2], ("webp", 50))
        self.assertEqual(response["x-img-notes"], "ignored: utm_source, ?b?")
        self.assertNotIn("x-img-notes", self.image("/cat.jpg?w=50", WEBP_ONLY)[0])

    def test_a_mistake_is_named_with_its_parameter_and_what_is_allowed(self):  # §1.7
        for query, param, code in (
                ("w=0", "w", "invalid_param"), ("w=abc", "w", "invalid_param"), ("w=-5", "w", "invalid_param"),
                ("w=9000", "w", "too_large"), ("w=", "w", "invalid_param"),
                ("h=1.5", "h", "invalid_param"), ("dpr=9&w=10", "dpr", "too_large"),
                ("w=10&fit=weird", "fit", "invalid_param"), ("w=10&q=101", "q", "invalid_param"),
                ("fm=bmp", "fm", "invalid_param"), ("rot=45", "rot", "invalid_param"), ("flip=x", "flip", "invalid_param"),
                ("blur=1000", "blur", "invalid_param"),
                ("w=10&bg=nocolour", "bg", "invalid_param"), ("w=10&anim=2", "anim", "invalid_param"),
                ("w=10&up=yes", "up", "invalid_param"),
                ("w=10&g=nowhere", "g", "invalid_param"), ("w=10&w=20", "w", "duplicate_param"),
                ("w=10&v=a/b", "v", "invalid_param")):
            response = self.server.get("/cat.jpg?" + query)
            self.assertEqual((response.status, response["content-type"]), (400, "application/problem+json"), query)
            problem = json.loads(response.body)
            self.assertEqual((problem["param"], problem["code"], problem["status"]), (param, code, 400), query)
            self.assertTrue(problem["detail"] and problem["title"] and problem["type"], query)
            if code != "duplicate_param":
                self.assertTrue(problem.get("allowed"), (query, problem))
            self.assertEqual(response["cache-control"], "no-store")
            if "fm=" not in query:
                self.assertEqual(response["vary"], "Accept", query)
        self.assertEqual(self.server.get("/cat.jpg?w=10&x=" + "a" * 2100).status, 414)
        self.assertEqual(self.server.get("/cat.jpg?w=10&" + "&".join(f"k{i}=1" for i in range(40))).status, 400)

    def test_without_a_transform_key_the_file_is_the_file(self):  # §1.1
        for target in ("/cat.jpg", "/cat.jpg?utm_source=x", "/cat.jpg?up=1", "/cat.jpg?W=10"):
            self.assertEqual(self.server.get(target, fields={"Accept": CHROMIUM}).body, self.photo, target)
        self.assertEqual(self.server.get("/a.txt?w=0&fm=bad").body, b"text")


if __name__ == "__main__":
    unittest.main()
