#!/usr/bin/python3
"""A changed image is a resource like any other: made once, found again, and cached by its content."""
import collections
import hashlib
import threading
import unittest

from clients import Client
from image_case import ImageCase


class Variants(ImageCase):
    def test_the_second_request_is_a_hit_however_it_is_spelled(self):
        first = self.image("/cat.jpg?w=120&h=90&fm=png")[0]
        self.assertEqual(first["cache-status"], "selvage; fwd=miss; stored")
        for target in ("/cat.jpg?w=120&h=90&fm=png", "/cat.jpg?h=90&fm=png&w=120", "/cat.jpg?w=60&h=45&dpr=2&format=png",
                       "/cat.jpg?w=120&h=90&fm=png&utm=1",
                       "/same.jpg?w=120&h=90&fm=png"):  # the last: the same content under another name
            again = self.image(target)[0]
            self.assertEqual((again["cache-status"], again["etag"], again.body), ("selvage; hit", first["etag"], first.body),
                             target)

    def test_a_variant_is_a_resource_like_any_other(self):
        target = "/cat.jpg?w=111&fm=png"
        response = self.image(target)[0]
        self.assertEqual(self.server.get(target, fields={"If-None-Match": response["etag"]}).status, 304)
        part = self.server.get(target, fields={"Range": "bytes=0-9"})
        self.assertEqual((part.status, part.body), (206, response.body[:10]))
        head = self.server.get(target, method="HEAD")
        self.assertEqual((head.status, head["content-length"]), (200, str(len(response.body))))
        self.assertEqual(response["x-content-type-options"], "nosniff")
        self.assertEqual(response["cache-control"], "public, max-age=86400, stale-while-revalidate=604800")
        self.assertEqual(response["content-disposition"], 'inline; filename="cat.png"')

    def test_a_verified_version_makes_it_immutable(self):  # §1.2, `v`
        version = hashlib.sha256(self.photo).hexdigest()
        for_ever = "public, max-age=31536000, immutable"
        for value, expected in {version[:8]: for_ever, version: for_ever, "0badcafe": "no-cache",
                                "release-7": "public, max-age=86400, stale-while-revalidate=604800"}.items():
            self.assertEqual(self.image(f"/cat.jpg?w=50&fm=png&v={value}")[0]["cache-control"], expected, value)
        self.assertEqual(self.server.get(f"/cat.jpg?v={version[:8]}")["cache-control"], for_ever)

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


if __name__ == "__main__":
    unittest.main()
