#!/usr/bin/python3
"""Damaged pictures and bombs: each is a variant or a clear refusal, and the server neither grows nor falters."""
import collections
import json
import os
import pathlib
import socket
import unittest

import bombs
import damage
import pictures
from clients import Client
from selvage import SANITIZED, Server
from server_case import ServerCase, write

MANY = 300
SEED = int(os.environ.get("SELVAGE_DAMAGE_SEED", "1"))
FLAT = (128 if SANITIZED else 24) << 20  # bytes of the server's own pages: what threads and buffers had for a moment, an allocator keeps
CODES = {413: {"source_too_large", "too_large"}, 415: {"unsupported_source"},
         422: {"undecodable", "source_pixels", "too_many_frames", "too_many_elements", "poisoned_source"},
         503: {"overloaded"}, 504: {"processing_timeout"}}


class Damage(ServerCase):
    @classmethod
    def prepare(cls):
        write(cls.root, {"good.jpg": pictures.jpeg(300, 200)})

    @classmethod
    def start(cls):
        return Server(config=f'[image]\nrasterise_svg = true\nclient_misses = 0\n[[site]]\nroot = "{cls.root}"\n')

    def setUp(self):
        self.client = Client(self.server)
        self.addCleanup(self.client.connection.close)
        self.healthy()

    def ask(self, name, content, order):
        """Its status, when it is 200 or says by a code why not."""
        write(self.root, {name: content})
        response = self.client.get(f"/{name}?{order}")
        if response.status == 200:
            return 200
        self.assertEqual(response["content-type"], "application/problem+json", f"{name}: {response}")
        self.assertIn(json.loads(response.body)["code"], CODES.get(response.status, ()), f"{name}: {response}")
        return response.status

    def own_memory(self):
        lines = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) << 10

    def healthy(self):
        self.assertEqual(self.client.get("/good.jpg?w=30").status, 200)

    def test_a_bomb_is_refused_or_cheap(self):
        for name, (make, statuses) in bombs.BOMBS.items():
            with self.subTest(name):
                self.assertIn(self.ask(name, make(), bombs.order_for(name)), statuses)
                self.healthy()

    def test_a_drawing_calls_nobody(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            for name, content in bombs.calling(listener.getsockname()[1]):
                with self.subTest(name):
                    self.assertIn(self.ask(name, content, "w=10&fm=png"), bombs.ANY)
            self.assertRaises(BlockingIOError, listener.accept)

    def test_damage_costs_its_request_an_error_and_nothing_else(self):
        good = damage.samples()
        good["made.avif"] = self.client.get("/good.jpg?w=60&fm=avif").body
        seen, before = collections.Counter(), self.own_memory()
        for seed in range(SEED * MANY, (SEED + 1) * MANY):
            name, content = damage.damaged(good, seed)
            seen[self.ask(name, content, damage.order_for(seed))] += 1
        self.healthy()
        self.assertEqual(set(seen) - {200, 413, 415, 422}, set(), seen)
        self.assertTrue(seen[200] and seen[422], seen)
        self.assertLess(self.own_memory() - before, FLAT)


if __name__ == "__main__":
    unittest.main()
