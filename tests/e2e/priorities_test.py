#!/usr/bin/python3
"""What comes first on a slow line (RFC 9218, static-delivery §7): what the page waits for, whatever was asked for before it.

A client at 1.6 Mbit/s whose windows hold nothing back. What the server has already committed when a more urgent request comes can no
longer be overtaken: the socket's unsent bytes, one flush, and what is in the client's own kernel. All that is COMMITTED at most.
"""
import contextlib
import unittest

from paced import PacedClient
from server_case import ServerCase

RATE = 200_000  # bytes a second: 1.6 Mbit/s
IMAGE, STYLE, SMALL = 100_000, 30_000, 40_000
# A slow connection's flush and TCP_NOTSENT_LOWAT, 64 KiB each; the client's receive buffer, and the record that it has half read.
COMMITTED = (64 + 64 + 32 + 16) << 10
A_MOMENT = 0.25  # seconds that a busy machine may take besides


class Priorities(ServerCase):
    files = {**{f"img{i}.jpg": bytes(IMAGE) for i in range(1, 16)}, **{f"small{i}.jpg": bytes(SMALL) for i in range(1, 6)},
             **{f"style{i}.css": (b"a { color: red }\n" * STYLE)[:STYLE] for i in range(1, 4)}}

    @contextlib.contextmanager
    def page(self):
        """A client; what it has fetched is printed when the test has done with it."""
        with PacedClient(self.server, RATE) as client:
            yield client
            print(f"\n{self.id().rpartition('.')[2]}")
            for fetched in client.streams.values():
                print(f"  {fetched}")

    def setUp(self):
        for name in self.files:  # in memory: what is measured is the order, not the disk
            self.assertEqual(self.server.get(f"/{name}").status, 200)

    def fill_the_line(self, client):
        """What comes first, while the others are being asked for."""
        for number in (1, 2, 3):
            client.get(f"/img{number}.jpg", "u=1")

    def assert_overtakes(self, urgent):
        print(f"  {urgent.path}: {urgent.waited():.2f} s after it was asked for, {urgent.overtaken_by() >> 10} KiB of others first")
        self.assertLessEqual(urgent.overtaken_by(), COMMITTED)
        self.assertLessEqual(urgent.waited(), (COMMITTED + urgent.size) / RATE + A_MOMENT)

    def test_style_sheets_overtake_fifteen_images_that_were_asked_for_before(self):
        with self.page() as client:
            images = [client.get(f"/img{i}.jpg") for i in range(1, 16)]
            client.until(lambda: client.received > IMAGE)
            styles = [client.get("/style1.css")]
            client.until(lambda: styles[0].last)
            unfinished = sum(image.last is None for image in images)
            for number in (2, 3):  # and as well when the line has been full for long
                client.until(lambda: client.received > number * 3 * IMAGE)
                styles.append(client.get(f"/style{number}.css"))
            client.until(lambda: all(each.last for each in images + styles))
        self.assertGreaterEqual(unfinished, 13)
        for style in styles:
            self.assert_overtakes(style)
        self.assertEqual([image.path for image in sorted(images, key=lambda image: image.last)], [image.path for image in images])

    def test_the_order_is_the_clients_when_it_says_one(self):
        with self.page() as client:
            self.fill_the_line(client)
            last, first, middle = (client.get(f"/small{i}.jpg", priority) for i, priority in ((1, "u=6"), (2, "u=2"), (3, "u=4")))
            client.until(lambda: all(each.last for each in (first, middle, last)))
        self.assertLess(first.last, middle.first)
        self.assertLess(middle.last, last.first)

    def test_what_the_client_calls_less_urgent_stays_behind_even_if_it_is_a_style_sheet(self):
        with self.page() as client:
            images = [client.get(f"/img{i}.jpg", "u=2") for i in range(1, 4)]
            style = client.get("/style1.css", "u=5")
            client.until(lambda: style.last)
        self.assertLess(max(image.last for image in images), style.first)

    def test_incremental_images_come_together(self):
        with self.page() as client:
            self.fill_the_line(client)
            images = [client.get(f"/small{i}.jpg", "u=3, i") for i in range(1, 6)]
            client.until(lambda: all(image.last for image in images))
        self.assertLess(max(image.first for image in images), min(image.last for image in images))

    def test_an_update_moves_a_request_that_is_under_way(self):  # RFC 9218 §7.1
        with self.page() as client:
            images = [client.get(f"/img{i}.jpg", "u=4") for i in range(1, 6)]
            client.until(lambda: client.received > IMAGE // 2)
            moved = images[-1]
            moved.asked = client.moment()
            client.update_priority(moved, "u=1")
            client.until(lambda: all(image.last for image in images))
        self.assert_overtakes(moved)
        self.assertLess(moved.last, images[-2].first)


if __name__ == "__main__":
    unittest.main()
