#!/usr/bin/python3
"""Images as their URL asks for them: image-urls.md §1."""
import collections
import hashlib
import io
import json
import tempfile
import threading
import unittest

from PIL import Image

import pictures
from pictures import examine, pixel
from selvage import Client, Server, ServerCase, write

CHROMIUM = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI_13 = "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
WEBP_ONLY = "image/webp,*/*"


class Images(ServerCase):
    @classmethod
    def prepare(cls):
        cls.photo = pictures.jpeg(800, 600)
        write(cls.root, {
            "cat.jpg": cls.photo, "same.jpg": cls.photo, "many.jpg": pictures.jpeg(1200, 900, seed=2), "alpha.png": pictures.translucent(400, 300),
            "moving.gif": pictures.animation("gif", 60, 40), "moving.webp": pictures.animation("webp", 60, 40), "a.txt": b"text",
            "portrait6.jpg": pictures.turned(6, 100, 200), "portrait8.jpg": pictures.turned(8, 100, 200), "tiny.png": pictures.bytes_of(pictures.photo(20, 10), "png")})

    def image(self, target, accept="*/*", **more):
        response = self.server.get(target, fields={"Accept": accept, **more})
        self.assertEqual(response.status, 200, f"{target}: {response}")
        found = examine(response.body)
        self.assertEqual(response["content-type"], "image/" + found[0], target)
        return response, found

    def test_the_format_is_what_the_client_accepts(self):  # §1.3
        for path, accept, expected in (
                ("/cat.jpg", CHROMIUM, "avif"), ("/cat.jpg", WEBP_ONLY, "webp"), ("/cat.jpg", SAFARI_13, "jpeg"), ("/cat.jpg", "image/*", "jpeg"),
                ("/cat.jpg", "image/avif;q=0, image/webp;q=0.1", "webp"), ("/cat.jpg", "IMAGE/AVIF", "avif"), ("/alpha.png", SAFARI_13, "png"),
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
                "w=200": (200, 150), "h=150": (200, 150), "width=200": (200, 150), "w=100&dpr=2": (200, 150), "w=200&h=200": (200, 150),
                "w=200&h=200&fit=inside": (200, 150), "w=200&h=200&fit=cover": (200, 200), "w=200&h=200&fit=crop": (200, 200),
                "w=200&h=200&fit=pad": (200, 200), "w=200&h=200&fit=outside": (267, 200), "w=200&h=200&fit=stretch": (200, 200),
                "w=8000": (800, 600), "w=1600&h=1600&fit=cover": (600, 600), "w=1000&h=1000&fit=pad": (1000, 1000), "w=1000&up=1": (1000, 750),
                "w=200&rot=90": (150, 200), "w=200&flip=h": (200, 150), "fm=webp": (800, 600)}.items():
            found = self.image("/cat.jpg?" + query)[1]
            self.assertEqual(found[1:3], size, query)
        self.assertEqual(self.image("/tiny.png?w=640")[1][1:3], (20, 10))

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
        exif = Image.open(io.BytesIO(self.image("/portrait6.jpg?w=50&fm=jpeg")[0].body)).getexif()
        self.assertEqual(exif.get(0x8298), "the photographer")
        self.assertFalse(exif.get_ifd(0x8825), "GPS")
        self.assertIsNone(exif.get(0x010F), "the camera's make")

    def test_what_moves_keeps_moving(self):
        for path, fm, kind in (("/moving.gif", "orig", "gif"), ("/moving.webp", "webp", "webp"), ("/moving.gif", "webp", "webp"), ("/moving.webp", "gif", "gif")):
            self.assertEqual(self.image(f"{path}?w=30&fm={fm}")[1], (kind, 30, 20, 4), path)
        self.assertEqual(self.image("/moving.gif?w=30&anim=0&fm=webp")[1], ("webp", 30, 20, 1))
        self.assertEqual(self.image("/moving.gif?w=30&fm=jpeg")[1], ("jpeg", 30, 20, 1))

    def test_a_mistake_is_named_with_its_parameter_and_what_is_allowed(self):  # §1.7
        for query, param, code in (
                ("w=0", "w", "invalid_param"), ("w=abc", "w", "invalid_param"), ("w=-5", "w", "invalid_param"), ("w=9000", "w", "too_large"), ("w=", "w", "invalid_param"),
                ("h=1.5", "h", "invalid_param"), ("dpr=9&w=10", "dpr", "invalid_param"), ("w=10&fit=weird", "fit", "invalid_param"), ("w=10&q=101", "q", "invalid_param"),
                ("fm=bmp", "fm", "invalid_param"), ("rot=45", "rot", "invalid_param"), ("flip=x", "flip", "invalid_param"), ("blur=1000", "blur", "invalid_param"),
                ("w=10&bg=nocolour", "bg", "invalid_param"), ("w=10&anim=2", "anim", "invalid_param"), ("w=10&up=yes", "up", "invalid_param"),
                ("w=10&g=nowhere", "g", "invalid_param"), ("w=10&w=20", "w", "duplicate_param"), ("w=10&v=a/b", "v", "invalid_param")):
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

    def test_the_second_request_is_a_hit_however_it_is_spelled(self):
        first = self.image("/cat.jpg?w=120&h=90&fm=webp")[0]
        self.assertEqual(first["cache-status"], "selvage; fwd=miss; stored")
        for target in ("/cat.jpg?w=120&h=90&fm=webp", "/cat.jpg?h=90&fm=webp&w=120", "/cat.jpg?w=60&h=45&dpr=2&format=webp", "/cat.jpg?w=120&h=90&fm=webp&utm=1",
                       "/same.jpg?w=120&h=90&fm=webp"):  # the last: the same content under another name
            again = self.image(target)[0]
            self.assertEqual((again["cache-status"], again["etag"], again.body), ("selvage; hit", first["etag"], first.body), target)

    def test_a_variant_is_a_resource_like_any_other(self):
        target = "/cat.jpg?w=111&fm=webp"
        response = self.image(target)[0]
        self.assertEqual(self.server.get(target, fields={"If-None-Match": response["etag"]}).status, 304)
        part = self.server.get(target, fields={"Range": "bytes=0-9"})
        self.assertEqual((part.status, part.body), (206, response.body[:10]))
        head = self.server.get(target, method="HEAD")
        self.assertEqual((head.status, head["content-length"]), (200, str(len(response.body))))
        self.assertEqual(response["x-content-type-options"], "nosniff")
        self.assertEqual(response["cache-control"], "public, max-age=86400, stale-while-revalidate=604800")
        self.assertEqual(response["content-disposition"], 'inline; filename="cat.webp"')

    def test_a_verified_version_makes_it_immutable(self):  # §1.2, `v`
        version = hashlib.sha256(self.photo).hexdigest()
        for value, expected in {version[:8]: "public, max-age=31536000, immutable", version: "public, max-age=31536000, immutable",
                                "0badcafe": "no-cache", "release-7": "public, max-age=86400, stale-while-revalidate=604800"}.items():
            self.assertEqual(self.image(f"/cat.jpg?w=50&fm=webp&v={value}")[0]["cache-control"], expected, value)
        self.assertEqual(self.server.get(f"/cat.jpg?v={version[:8]}")["cache-control"], "public, max-age=31536000, immutable")

    def test_many_requests_for_one_cold_variant_make_one_job(self):
        before, barrier, answers = self.server.metrics(), threading.Barrier(40), []

        def ask():
            with Client(self.server) as client:
                client.get("/a.txt")  # connected
                barrier.wait()
                answers.append(client.get("/many.jpg?w=1000&fm=avif"))

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({(answer.status, answer.body) for answer in answers}, {(200, answers[0].body)})
        verdicts = collections.Counter(answer["cache-status"] for answer in answers)
        self.assertEqual(verdicts.pop("selvage; fwd=miss; stored"), 1, verdicts)
        self.assertLessEqual(set(verdicts), {"selvage; fwd=miss; collapsed", "selvage; hit"})
        after = self.server.metrics()
        for name, more in {'transforms_total{format="avif"}': 1, 'transform_outcomes_total{outcome="ok"}': 1}.items():
            self.assertEqual(after[name] - before[name], more, name)


class Restart(unittest.TestCase):
    def test_variants_are_found_again_after_a_restart(self):
        with tempfile.TemporaryDirectory(prefix="selvage-restart-") as folder:
            write(folder, {"root/cat.jpg": pictures.jpeg(300, 200)})
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                first = server.get("/cat.jpg?w=100&fm=avif")
            with Server(f"{folder}/root", cache=f"{folder}/cache") as server:
                again = server.get("/cat.jpg?w=100&fm=avif")
                self.assertEqual((again.status, again.body, again["etag"]), (200, first.body, first["etag"]))
                self.assertEqual(again["cache-status"], "selvage; hit; detail=disk")
                self.assertEqual(server.metric("transforms_total"), 0)


if __name__ == "__main__":
    unittest.main()
