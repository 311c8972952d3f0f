#!/usr/bin/python3
"""An image is there soon, and good a moment later: image-urls.md §1.3, §1.6; image-engine.md §3 to §5."""
import hashlib
import os
import signal
import threading
import unittest

import pictures
from pictures import examine
from selvage import Server
from server_case import ServerCase, write
from waiting import until

BROWSER = {"Accept": "image/avif,image/webp,image/apng,image/*,*/*;q=0.8"}
WEBP_ONLY = {"Accept": "image/webp,*/*"}
ANY = {"Accept": "*/*"}
MINUTE = "public, max-age=60, stale-while-revalidate=600"
DAY = "public, max-age=86400, stale-while-revalidate=604800"
FOR_EVER = "public, max-age=31536000, immutable"
INTERIM = "selvage; hit; detail=interim"


def word(response):
    return response["x-img"].split(";")[0]


class Upgrades(ServerCase):
    image = ""  # lines of [image]
    rules = ""

    @classmethod
    def prepare(cls):
        cls.photo = pictures.jpeg(600, 400)
        write(cls.root, {**{f"{name}.jpg": pictures.jpeg(600, 400, seed=seed) for seed, name in enumerate("abcdefg")},
                         "photo.jpg": cls.photo, "alpha.png": pictures.translucent(300, 200),
                         "scan.tiff": pictures.bytes_of(pictures.photo(300, 200), "tiff"),
                         "broken.tiff": pictures.bytes_of(pictures.photo(300, 200), "tiff")[:3000],
                         "small.gif": pictures.animation("gif", 60, 40)})

    @classmethod
    def start(cls):
        return Server(config=f"[image]\n{cls.image}\n[[site]]\nroot = \"{cls.root}\"\n{cls.rules}")

    def setUp(self):
        until("idle workers", lambda: self.server.metric("transform_workers_ready") >= 1
              and self.server.metric("transform_workers_busy") == 0)

    def ask(self, target, fields=BROWSER, **more):
        response = self.server.get(target, fields={**fields, **more})
        self.assertEqual(response.status, 200, f"{target}: {response}")
        return response

    def settled(self, target, fields=BROWSER):
        """What it is when nothing is made better any more."""
        def final():
            response = self.ask(target, fields)
            return word(response) == "hit" and response
        return until("the best of it", final)

    def background(self, reason):
        return self.server.metric(f'image_background_total{{reason="{reason}"}}')


class Interim(Upgrades):
    def test_what_was_made_fast_is_made_again_when_it_is_asked_for_again(self):
        for target, kind in {"/a.jpg?w=300": "avif", "/a.jpg?w=300&fm=jpeg": "jpeg", "/a.jpg?w=300&fm=webp": "webp"}.items():
            first = self.ask(target)
            self.assertEqual((first["cache-status"], word(first), first["cache-control"]),
                             ("selvage; fwd=miss; stored", "upgrade", MINUTE))
            self.assertRegex(first["x-img"], rf"^upgrade;src=600x400;out=300x200;fm={kind};q=\d+$")
            again = self.ask(target)
            self.assertIn(again["cache-status"], (INTERIM, "selvage; hit"))
            best = self.settled(target)
            self.assertEqual((best["cache-status"], best["cache-control"]), ("selvage; hit", DAY))
            self.assertEqual(examine(best.body)[:3], (kind, 300, 200))
            self.assertLessEqual(len(best.body), len(first.body))
            self.assertEqual(best.body == first.body, best["etag"] == first["etag"])
        self.assertGreaterEqual(self.background("upgrade"), 3)

    def test_a_client_that_has_the_fast_one_is_told_when_there_is_a_better_one(self):
        target = "/b.jpg?w=300&fm=avif"
        first = self.ask(target)
        until("the better one",
              lambda: self.server.get(target, fields={"If-None-Match": first["etag"]}).status == 200 or
              self.ask(target)["etag"] == first["etag"] and word(self.ask(target)) == "hit")
        best = self.ask(target)
        self.assertEqual(self.server.get(target, fields={"If-None-Match": best["etag"]}).status, 304)

    def test_nobody_keeps_for_a_year_what_is_better_in_a_minute(self):
        target = f"/photo.jpg?w=301&fm=avif&v={hashlib.sha256(self.photo).hexdigest()[:12]}"
        self.assertEqual(self.ask(target)["cache-control"], MINUTE)
        self.assertEqual(self.settled(target)["cache-control"], FOR_EVER)

    def test_what_does_not_become_better_is_final_at_once(self):
        for target in ("/c.jpg?w=300&fm=png", "/small.gif?w=30&fm=gif"):
            first = self.ask(target)
            self.assertEqual((word(first), first["cache-control"]), ("miss", DAY), target)
            self.assertEqual(word(self.ask(target)), "hit", target)

    def test_the_better_one_survives_as_the_only_one(self):
        target = "/d.jpg?w=300&fm=avif"
        self.ask(target)
        best = self.settled(target)
        made = self.server.metric('transforms_total{format="avif"}')
        for _ in range(10):
            self.assertEqual((self.ask(target).body, self.ask(target)["x-img"]), (best.body, best["x-img"]))
        self.assertEqual(self.server.metric('transforms_total{format="avif"}'), made)


class Off(Upgrades):
    image = "upgrade = false"
    rules = "[[site.rule]]\nmatch = \"/a.jpg\"\nbypass = true\n"

    def test_each_variant_is_made_once(self):
        for target in ("/b.jpg?w=300&fm=avif", "/b.jpg?w=300&fm=jpeg"):
            first = self.ask(target)
            self.assertEqual((word(first), first["cache-control"]), ("miss", DAY))
            again = self.ask(target)
            self.assertEqual((word(again), again.body), ("hit", first.body))
        self.assertEqual(self.background("upgrade"), 0)

    def test_what_is_not_stored_is_not_made_better(self):
        response = self.ask("/a.jpg?w=300&fm=avif")
        self.assertEqual((response["cache-status"], response["cache-control"], word(response)),
                         ("selvage; fwd=bypass", "no-store", "miss"))


class Slow(Upgrades):
    image = "avif_at_once = \"1ms\""

    def test_a_large_avif_is_webp_until_it_is_made(self):
        first = self.ask("/a.jpg?w=500")
        self.assertEqual((examine(first.body)[0], word(first), first["vary"], first["cache-control"]),
                         ("webp", "fallback", "Accept", MINUTE))
        best = self.settled("/a.jpg?w=500")
        self.assertEqual((examine(best.body)[0], best["vary"], best["cache-control"]), ("avif", "Accept", DAY))
        self.assertGreaterEqual(self.background("slow"), 1)
        self.assertGreaterEqual(self.server.metric('image_fallback_answers_total{reason="slow"}'), 1)

    def test_who_takes_webp_alone_is_sent_the_same_picture_and_may_keep_it(self):
        first = self.ask("/b.jpg?w=500")
        self.assertEqual(word(first), "fallback")
        self.assertEqual(self.settled("/b.jpg?w=500", WEBP_ONLY)["cache-control"], DAY)

    def test_a_format_that_was_asked_for_by_name_is_that_format(self):
        self.assertEqual(examine(self.ask("/c.jpg?w=500&fm=avif").body)[0], "avif")

    def test_who_takes_avif_but_not_webp_gets_what_all_take(self):
        first = self.ask("/d.jpg?w=500", {"Accept": "image/avif,*/*"})
        self.assertEqual((examine(first.body)[0], word(first)), ("jpeg", "fallback"))


class Crowded(Upgrades):
    image = "workers = 1\ndegrade_wait = \"0ms\""

    def test_while_others_wait_the_quickest_format_will_do(self):
        [worker] = until("one worker", self.server.workers)
        os.kill(worker, signal.SIGSTOP)
        answers, threads = {}, []

        def ask(name, target):
            threads.append(threading.Thread(target=lambda: answers.update({name: self.ask(target)})))
            threads[-1].start()
        try:
            ask("with the worker", "/a.jpg?w=500&fm=webp")
            until("it is busy", lambda: self.server.metric("transform_workers_busy") == 1)
            ask("waiting", "/b.jpg?w=500&fm=webp")
            until("one waits", lambda: self.server.metric("transform_queue") == 1)
            ask("negotiated", "/c.jpg?w=500")
            ask("named", "/d.jpg?w=500&fm=avif")
            until("all wait", lambda: self.server.metric("transform_queue") == 3)
        finally:
            os.kill(worker, signal.SIGCONT)
        for thread in threads:
            thread.join()
        self.assertIn(examine(answers["negotiated"].body)[0], ("jpeg", "webp"))
        self.assertEqual((word(answers["negotiated"]), answers["negotiated"]["cache-control"], answers["negotiated"]["vary"]),
                         ("fallback", MINUTE, "Accept"))
        self.assertEqual(examine(answers["named"].body)[0], "avif")
        self.assertGreaterEqual(self.server.metric('image_fallback_answers_total{reason="crowded"}'), 1)
        until("nothing waits", lambda: self.server.metric("transform_workers_busy") == 0)
        self.assertEqual(examine(self.ask("/c.jpg?w=500").body)[0], "avif")  # and now there is time


class Siblings(Upgrades):
    image = "siblings = true"

    def test_the_widths_that_pages_ask_for_are_there_before_they_are_asked_for(self):
        for name in "ab":
            for width in (100, 200, 300):
                self.ask(f"/{name}.jpg?w={width}&fm=webp")
        self.ask("/c.jpg?w=200&fm=webp")
        # Not asked for before they are stored: one who waits for a sibling asks for its own siblings, and they are counted again.
        until("the others", lambda: self.server.metric('transforms_total{format="webp"}') == 9 and self.server.metric("fills") == 0)
        for width in (100, 300):
            made = self.ask(f"/c.jpg?w={width}&fm=webp")
            self.assertEqual((made["cache-status"], examine(made.body)[:2]), ("selvage; hit", ("webp", width)))
        self.assertEqual(self.background("sibling"), 2)


class Plain(Upgrades):
    def test_what_browsers_do_not_show_is_converted_without_being_asked(self):
        for accept, kind in ((BROWSER, "avif"), (WEBP_ONLY, "webp"), (ANY, "jpeg")):
            response = self.ask("/scan.tiff", accept)
            self.assertEqual((examine(response.body)[:3], response["vary"]), ((kind, 300, 200), "Accept"))
            self.assertEqual(response["content-disposition"], f'inline; filename="scan.{"jpg" if kind == "jpeg" else kind}"')
        self.assertEqual(self.ask("/scan.tiff?utm=1", ANY)["content-type"], "image/jpeg")

    def test_what_cannot_be_converted_is_what_it_is(self):
        response = self.ask("/broken.tiff")
        self.assertEqual((response.body, response["content-type"]), ((self.root / "broken.tiff").read_bytes(), "image/tiff"))

    def test_other_images_are_what_they_are(self):
        self.assertEqual(self.ask("/photo.jpg").body, self.photo)


class PlainToo(Upgrades):
    image = "convert_plain = true"

    def test_a_plain_url_is_negotiated(self):
        version = hashlib.sha256(self.photo).hexdigest()
        for target, kind in {"/photo.jpg": "avif", "/alpha.png": "avif", f"/photo.jpg?v={version}": "avif"}.items():
            response = self.ask(target)
            self.assertEqual((examine(response.body)[0], response["vary"]), (kind, "Accept"), target)
        self.assertEqual(self.settled(f"/photo.jpg?v={version}")["cache-control"], FOR_EVER)

    def test_who_takes_only_what_the_file_is_gets_the_file(self):
        for target in ("/photo.jpg", "/alpha.png", "/small.gif"):
            response = self.ask(target, ANY)
            self.assertEqual((response.body, response["vary"]), ((self.root / target[1:]).read_bytes(), "Accept"), target)
            self.assertEqual(self.server.get(target, fields={"If-None-Match": response["etag"]}).status, 304)


if __name__ == "__main__":
    unittest.main()
