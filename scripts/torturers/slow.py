"""Slow clients of every kind, all at once: none is held beyond a minute. protocol-and-limits §3."""
import time

from .verdict import counts, mebibytes
from .witness import Witness

# Not slow but idle, for which there is more time (75 s, 10 min), are idle-h1 and idle-pings.
KINDS = ["silent", "silent-tls", "slow-hello", "unfinished-handshake", "no-preface", "slow-head-h1", "slow-head-tls",
         "slow-head-h2", "slow-frame", "slow-body-h1", "slow-body-h2", "zero-window", "zero-windows", "dribbled-window", "closed-connection-window", "unread-h1", "unread-tls", "unread-h2",
         "unread-pipeline", "slow-reading-h1", "slow-reading-h2"]
EACH = 10   # connections of a kind
KEPT = 48 << 20  # bytes, of 210 connections: the allocator keeps what they had for others
TICKS = 2   # seconds: deadlines are looked at once a second
QUICK = """
[timeouts]
handshake = "1500ms"
header = "2s"
header_block = "1500ms"
write = "8s"
stream_write = "4s"
slow_write = "4s"
"""


def run(ground, verdicts):
    held, settings = (8, QUICK) if ground.options.quick else (60, "")
    with ground.server(settings) as server:
        ground.attack(server, "zero-windows", seconds=0.5).result()  # buffers are there
        before = server.memory()
        attacks = [ground.attack(server, kind, count=EACH, connections=EACH, seconds=held + 6, **{"from": f"127.0.1.{at + 1}"})
                   for at, kind in enumerate(KINDS)]
        witness = Witness(server)
        slowest = 0
        while not all(attack.over() for attack in attacks):
            slowest = max(slowest, witness.ask())
            time.sleep(0.05)
        witness.close()
        for attack in attacks:
            result = attack.result()
            verdicts.add(f"slow: {attack.name}", f"held {result['longest']:.1f} s; {counts(result['ends'])}",
                         "open" not in result["ends"] and result["longest"] <= held + TICKS)
        verdicts.add("slow: another client meanwhile", f"{slowest * 1e3:.1f} ms at most", slowest < 1)
        grown = server.memory() - before
        verdicts.add("slow: memory afterwards", mebibytes(grown), grown < KEPT and server.alive())
