#!/usr/bin/python3
"""Whoever abuses a connection loses it, with the word that RFC 9113 has for that, and nobody else notices: protocol-and-limits §2 and §3."""
import os
import pathlib
import unittest

from attacks import Attack
from clients import Client
from selvage import PROGRAM, SANITIZED, Server
from server_case import ServerCase
from waiting import until

ATTACKER = os.environ.get("SELVAGE_ATTACKER") or pathlib.Path(PROGRAM).with_name("e2e_attacker")
CALM = "GOAWAY ENHANCE_YOUR_CALM"
FLAT = (96 if SANITIZED else 32) << 10  # KiB: what threads had for a moment, an allocator keeps; the sanitizer keeps more
KEPT = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"}  # of what was freed, for the sanitizer to look at
FILES = {"small.css": b"a { color: red }" * 90, "large.bin": b"B" * (16 << 20), "medium.bin": b"M" * 100_000}

# What ends each, and the limits that may say so: whichever is reached first.
FLOODS = {
    "rapid-reset": (CALM, {"http2.resets"}),
    "provoked-length": (CALM, {"http2.resets"}),
    "provoked-fields": (CALM, {"http2.resets"}),
    "provoked-window": (CALM, {"http2.resets"}),
    "continuations": (CALM, {"http2.continuations"}),
    "empty-continuations": (CALM, {"http2.continuations", "http2.glitches"}),
    "empty-data": (CALM, {"http2.glitches"}),
    "empty-headers": (CALM, {"http2.glitches", "http2.resets"}),
    "padding": (CALM, {"http2.glitches"}),
    "pings": (CALM, {"http2.glitches", "http2.acknowledgements"}),
    "pings-unread": (CALM, {"http2.glitches", "http2.acknowledgements"}),
    "settings": (CALM, {"http2.glitches", "http2.acknowledgements"}),
    "priorities": (CALM, {"http2.glitches"}),
    "priority-updates": (CALM, {"http2.glitches"}),
    "unknown-frames": (CALM, {"http2.glitches"}),
    "goaways": (CALM, {"http2.glitches"}),
    "closed-stream": (CALM, {"http2.glitches"}),
    "tiny-updates": (CALM, {"http2.glitches"}),
    "hpack-bomb": (CALM, {"header_bytes"}),
    "toggled-windows": (CALM, {"http2.glitches", "http2.acknowledgements"}),
    "toggled-table": (CALM, {"http2.glitches", "http2.acknowledgements"}),
    "refused-streams": (CALM, {"http2.refused"}),
    "joined-fields": (CALM, {"http2.refused"}),
    "cookie-bomb": (CALM, {"header_bytes"}),
    "large-fields-h2": (CALM, {"http2.glitches"}),
    "key-updates": (None, {"tls.key_updates"}),
    "large-fields-h1": ("431", {"header_bytes"}),
    "many-fields-h1": ("431", {"fields"}),
    "cookie-bomb-h1": ("431", {"fields"}),
    "long-line": ("414", {"http1.request_line"}),
}

# With the timeouts of SLOW_CONFIG. None: any end will do.
SLOW = {
    "silent": (None, {"timeouts.handshake"}),
    "silent-tls": (None, {"timeouts.handshake"}),
    "slow-hello": (None, {"timeouts.handshake"}),
    "unfinished-handshake": (None, {"timeouts.handshake"}),
    "no-preface": (None, {"timeouts.handshake"}),
    "slow-head-h1": ("408", {"timeouts.header"}),
    "slow-head-tls": ("408", {"timeouts.header"}),
    "slow-head-h2": ("GOAWAY", {"timeouts.header_block"}),
    "slow-frame": ("GOAWAY", {"timeouts.header"}),
    "slow-body-h1": (None, set()),  # answered at once, with 405
    "slow-body-h2": ("RST_STREAM NO_ERROR", set()),
    "zero-window": ("RST_STREAM CANCEL", {"timeouts.stream_write"}),
    "dribbled-window": ("RST_STREAM CANCEL", {"limits.write_rate"}),
    "zero-windows": ("RST_STREAM CANCEL", {"timeouts.stream_write"}),
    "closed-connection-window": ("GOAWAY", {"timeouts.write", "limits.write_rate"}),
    "unread-h1": (None, {"timeouts.write"}),
    "unread-tls": (None, {"timeouts.write"}),
    "unread-h2": (None, {"timeouts.write"}),
    "unread-pipeline": (None, {"timeouts.write"}),
    "slow-reading-h1": (None, {"limits.write_rate"}),
    "slow-reading-h2": (None, {"limits.write_rate"}),
    "idle-h1": (None, {"timeouts.idle"}),
    "idle-pings": ("GOAWAY", {"timeouts.idle_pings"}),
}
SLOW_CONFIG = """
[timeouts]
handshake = "2s"
header = "2s"
header_block = "1s"
idle = "2s"
idle_pings = "3s"
write = "4s"
stream_write = "3s"
slow_write = "3s"
[limits]
write_rate = 2000
"""


def memory(server):
    """KiB in the process's own pages."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def hits(server):
    """{limit: how often it was hit}"""
    prefix = 'limit_hits_total{limit="'
    return {name[len(prefix):-2]: value for name, value in server.metrics().items() if name.startswith(prefix)}


class Abuse(ServerCase):
    """One server for all attacks of a kind."""

    files = FILES
    config = ""

    @classmethod
    def start(cls):
        return Server(config=f'{cls.config}\n[[site]]\nroot = "{cls.root}"\n', workers=1, environment=KEPT)

    def attack(self, name, server=None, **options):
        attack = Attack(ATTACKER, name, (server or self.server).ports, **options)
        self.addCleanup(attack.stop)
        return attack

    def ask_until_over(self, attack, server=None):
        """Another client, who gets all its answers."""
        with Client(server or self.server) as client:
            while True:
                over = attack.over()
                self.assertEqual(client.get("/small.css").status, 200)
                if over:
                    return

    def assert_all_ended(self, result, expected):
        self.assertGreater(sum(result["ends"].values()), 0, result)
        for end in result["ends"]:
            self.assertNotEqual(end, "open", result)
            self.assertTrue(end.startswith(expected or ""), result)


class Floods(Abuse):
    """Five connections one after the other, each as fast as it goes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What all streams together may hold of files, and is kept for the next, is there: some 64 MiB.
        Attack(ATTACKER, "zero-windows", cls.server.ports, seconds=0.5).result()
        Attack(ATTACKER, "cookie-bomb-h1", cls.server.ports, count=5, seconds=5).result()

    def flood(self, name, end, limits):
        hits_before, memory_before = hits(self.server), memory(self.server)
        attack = self.attack(name, count=5, seconds=30)
        self.ask_until_over(attack)
        result = attack.result()
        self.assert_all_ended(result, end)
        after = hits(self.server)
        self.assertGreaterEqual(sum(after[limit] - hits_before[limit] for limit in limits), 5, (result, limits))
        until("the connections are gone", lambda: self.server.metric("connections_open") <= 1)
        self.assertLess(memory(self.server) - memory_before, FLAT)

    def test_who_goes_on_after_goaway_is_left_behind(self):
        # The server has said all, and listens for a while, so that its last word is not lost: RFC 9112 §9.6.
        attack = self.attack("stubborn", count=1, seconds=30)
        self.ask_until_over(attack)
        self.assert_all_ended(attack.result(), CALM)

    def test_early_resets_end_a_connection_that_never_resets_many_at_once(self):
        with Server(config=f'[http2]\nresets = 40\nresets_per_second = 100_000\n[[site]]\nroot = "{self.root}"\n', workers=1) as server:
            attack = self.attack("early-resets", server, count=1, seconds=20, path="/small.css")
            self.ask_until_over(attack, server)
            self.assert_all_ended(attack.result(), CALM)
            self.assertEqual(hits(server)["http2.early_resets"], 1)

    def test_fields_beyond_the_limits_are_answered_with_431_before(self):
        result = self.attack("large-fields-h2", count=1, seconds=30).result()
        self.assertGreaterEqual(result["words"]["431"], 20)  # 50 points of 1000 each
        self.assertNotIn("200", result["words"])

    def test_many_ranges_cost_no_more_than_the_file(self):
        # protocol-and-limits §4: 200 overlapping ranges are the whole file, once.
        attack = self.attack("ranges", seconds=1, path="/medium.bin")
        self.ask_until_over(attack)
        result = attack.result()
        answers = sum(result["words"].values())
        self.assertGreater(answers, 0)
        self.assertLess(result["received"], answers * 101_000)
        # 30 are parsed, 30 remain after joining: more than ten are the whole file, too.
        result = self.attack("allowed-ranges", seconds=1, path="/medium.bin").result()
        self.assertLess(result["received"], sum(result["words"].values()) * 101_000)

    def test_connections_of_one_address_leave_room_for_others(self):
        with Server(config=f"[limits]\naddress_exempt = []\naddress_connections = 50\naddress_rate = 50\n"
                    f'[[site]]\nroot = "{self.root}"\n', workers=1) as server:
            self.attack("connections", server, seconds=30, connections=100, **{"from": "127.0.0.2"})
            until("some were turned away", lambda: hits(server)["limits.address_connections"] + hits(server)["limits.address_rate"] > 20)
            self.assertEqual(server.get("/small.css").status, 200)
            self.assertLessEqual(server.metric("connections_open"), 52)  # and those that ask here

    def test_handshakes_without_a_request_leave_nothing_behind(self):
        before = memory(self.server)
        attack = self.attack("handshakes", seconds=1, connections=4)
        self.ask_until_over(attack)
        self.assertGreater(attack.result()["connections"], 10)
        until("the connections are gone", lambda: self.server.metric("connections_open") <= 1)
        self.assertLess(memory(self.server) - before, FLAT)


class SlowClients(Abuse):
    """All at once, each with a connection, against the small timeouts of SLOW_CONFIG."""

    config = SLOW_CONFIG

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Attack(ATTACKER, "zero-windows", cls.server.ports, seconds=0.5).result()
        cls.before = memory(cls.server)
        cls.attacks = {name: Attack(ATTACKER, name, cls.server.ports, count=1, seconds=30) for name in SLOW}
        for attack in cls.attacks.values():
            cls.addClassCleanup(attack.stop)

    def cut_off(self, name, end, limits):
        attack = self.attacks[name]
        self.ask_until_over(attack)
        result = attack.result()
        self.assert_all_ended(result, end)
        self.assertLess(result["longest"], 20)
        counted = hits(self.server)
        self.assertTrue(not limits or any(counted[limit] > 0 for limit in limits), (result, counted))

    def test_what_they_all_held_is_given_back(self):
        for attack in self.attacks.values():
            until(attack.name, attack.over)
        until("the connections are gone", lambda: self.server.metric("connections_open") <= 1)
        self.assertLess(memory(self.server) - self.before, FLAT)


def claims(case, check, table):
    """A test of its own for each attack of a table."""
    for name, (end, limits) in table.items():
        setattr(case, f"test_{name.replace('-', '_')}", lambda self, name=name, end=end, limits=limits: getattr(self, check)(name, end, limits))


claims(Floods, "flood", FLOODS)
claims(SlowClients, "cut_off", SLOW)

if __name__ == "__main__":
    unittest.main()
