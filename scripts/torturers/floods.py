"""Attacks as fast as they go: how each ends, what a second client notices, and what the server keeps."""
import collections
import statistics

from .verdict import counts, mebibytes
from .witness import Witness

CALM = "GOAWAY ENHANCE_YOUR_CALM"
MOST = 2.0        # times the second client's median latency without the attack
KEPT = 48 << 20   # bytes of growth after the first moments; eight connections may hold 32 MiB of header fields: 128 streams × 32 KiB
ALL = 256 << 20   # bytes that the server has at any time
CONNECTIONS = 8   # of the attacker at a time

# How each ends; None where it is answered, or closed, and goes on with new connections.
FLOODS = {
    **dict.fromkeys(["rapid-reset", "provoked-length", "provoked-fields", "provoked-window", "continuations", "empty-continuations",
                     "empty-data", "empty-headers", "padding", "pings", "pings-unread", "settings", "priorities", "priority-updates",
                     "unknown-frames", "goaways", "closed-stream", "tiny-updates", "hpack-bomb", "toggled-windows", "toggled-table",
                     "refused-streams", "joined-fields", "cookie-bomb", "large-fields-h2"], CALM),
    "stubborn": None,  # is told so, too, but goes on for two seconds
    "large-fields-h1": "431", "many-fields-h1": "431", "cookie-bomb-h1": "431", "long-line": "414",
    "ranges": None, "allowed-ranges": None, "key-updates": None, "handshakes": None, "connections": None,
    "unread-pipeline": None, "unread-h2": None,
}
# Each asks for what hurts most.
PATHS = {"ranges": "/medium.bin", "allowed-ranges": "/medium.bin", "rapid-reset": "/medium.bin"}


def run(ground, verdicts):
    quick, only = ground.options.quick, ground.options.only
    rounds, seconds = (1, 0.4) if quick else (2, 0.8)
    with ground.server("[limits]\naddress_exempt = []\n") as server:
        witness = Witness(server)
        witness.watch(0.3)
        ground.attack(server, "zero-windows", seconds=0.5).result()  # buffers of all streams together are there, and kept
        for name, end in FLOODS.items():
            if only not in name:
                continue
            flood = Flood(ground, server, witness, name)
            flood.measure(rounds, seconds)
            if flood.ratio > MOST:  # a busy machine: once more, for longer
                flood.measure(2 * rounds, seconds)
            verdicts.add(f"flood: {name}", *flood.verdict(end))
        witness.close()
        verdicts.add("after the floods", "answers" if server.alive() else "does not answer", server.alive())


class Flood:
    """One attack by 127.0.0.2, on and off, and the witness from 127.0.0.3."""

    def __init__(self, ground, server, witness, name):
        self.ground, self.server, self.witness, self.name = ground, server, witness, name
        self.ratio = self.quiet = self.attacked = 0
        self.grown = self.most = self.sent = 0
        self.ends = collections.Counter()

    def measure(self, rounds, seconds):
        self.attack(0.3)
        without, during, before = [], [], self.server.memory()
        for _ in range(rounds):
            without += self.witness.watch(seconds)
            during += self.attack(seconds)
        self.quiet, self.attacked = statistics.median(without), statistics.median(during)
        self.ratio, self.grown = self.attacked / self.quiet, self.server.memory() - before

    def attack(self, seconds):
        """For so long; what the witness sees of it."""
        attack = self.ground.attack(self.server, self.name, seconds=seconds, connections=CONNECTIONS, path=PATHS.get(self.name),
                                    **{"from": "127.0.0.2"})
        seen = self.witness.watch(0.9 * seconds)
        self.most = max(self.most, self.server.memory())
        result = attack.result()
        self.ends.update(result["ends"])
        self.sent += result["sent"]
        return seen

    def verdict(self, end):
        """(what was measured, whether all claims hold)"""
        ended = end is None or end in self.ends
        measured = (f"×{self.ratio:.2f} ({self.quiet * 1e6:.0f} → {self.attacked * 1e6:.0f} µs); {counts(self.ends)}; "
                    f"{self.sent / 1e6:.0f} MB sent; memory {mebibytes(self.most)}, {mebibytes(self.grown)} more")
        return measured, ended and self.ratio <= MOST and self.grown < KEPT and self.most < ALL
